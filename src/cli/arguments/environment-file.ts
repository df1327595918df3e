import { readFileSync } from "node:fs";
import { UsageError } from "../usage-error.ts";
import { environmentVariable } from "./values.ts";

/**
 * The variables of an environment file as docker's `--env-file` reads it: one
 * KEY=VALUE a line, the value verbatim to the end of the line; a KEY alone is
 * taken from pm's own environment; empty lines and lines with "#" in front are
 * skipped.
 */
export function environmentFile(path: string): readonly (readonly [key: string, value: string])[] {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read "${path}": ${(error as NodeJS.ErrnoException).code}`);
  }
  return content.split(/\r?\n/).flatMap((line) => {
    const entry = line.trimStart();
    if (entry === "" || entry.startsWith("#")) {
      return [];
    }
    const variable = environmentVariable(entry);
    return variable === undefined ? [] : [variable];
  });
}
