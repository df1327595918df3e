import type { ProcessInfo } from "../../sdk/index.ts";
import { choice } from "../arguments/values.ts";
import { type Single, single } from "../command.ts";

/** What a process is called in a list of names: its name, else its id. */
export function displayName({ name, id }: Pick<ProcessInfo, "name" | "id">): string {
  return name ?? id;
}

/** The `-o` option of a command that knows these formats. */
export function outputOption<const F extends string>(...formats: readonly F[]): Single<F> {
  return single("FORMAT", choice(...formats), `Output format: ${formats.join(", ")}`, {
    short: "o",
    complete: formats,
  });
}

/** A value as indented JSON with a newline. */
export function prettyJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A value as one line of JSON. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
