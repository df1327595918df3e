/** Regular expressions of RE2, which take a time that is linear in the text. */
import { createRequire } from "node:module";
import type { RE2JS } from "re2js";

let library: typeof import("re2js") | undefined;

/**
 * The library is loaded with the first expression: 7 ms and 2 MB, for which a daemon without such probes has no use.
 *
 * @throws an Error that says what is wrong with the expression
 */
export function compilePattern(pattern: string): RE2JS {
  library ??= createRequire(import.meta.url)("re2js") as typeof import("re2js");
  return library.RE2JS.compile(pattern);
}
