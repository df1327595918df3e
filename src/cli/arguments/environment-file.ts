import { readFileSync } from "node:fs";
import { type Caller, resolvePath } from "../caller.ts";
import { UsageError } from "../usage-error.ts";
import { environmentVariable } from "./values.ts";

/**
 * The variables of an environment file as docker's `--env-file` reads it: one
 * KEY=VALUE a line, the value verbatim to the end of the line; a KEY alone is
 * taken from the caller's environment; empty lines and lines with "#" in front are
 * skipped.
 */
export function environmentFile(path: string, caller: Caller): readonly (readonly [key: string, value: string])[] {
  // Of the caller: another process may see another file there.
  caller.ownProcess();
  const file = resolvePath(caller, path);
  let content: string;
  try {
    content = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read "${path}": ${(error as NodeJS.ErrnoException).code}`);
  }
  return content.split(/\r?\n/).flatMap((line) => {
    const entry = line.trimStart();
    if (entry === "" || entry.startsWith("#")) {
      return [];
    }
    const variable = environmentVariable(entry, caller);
    return variable === undefined ? [] : [variable];
  });
}
