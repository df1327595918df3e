/** Environment variables as they are given on the command line and in files. */
import { readFileSync } from "node:fs";
import { systemErrorText } from "../../common/system-error.ts";
import type { TextOrBytes } from "../../sdk/index.ts";
import { type Caller, resolvePath } from "../caller.ts";
import { callerVariable, exact, given } from "../given.ts";
import { UsageError } from "../usage-error.ts";

export type Variable = readonly [name: TextOrBytes, value: TextOrBytes];

const equalsSign = 0x3d;
const newline = 0x0a;
const carriageReturn = 0x0d;

/** KEY=VALUE; a KEY alone stands for its value in the caller's environment, and for nothing where it is not set. */
export function environmentVariable(text: string, caller: Caller): Variable | undefined {
  return variableOf(given(text, caller), caller);
}

/**
 * The variables of an environment file, much as docker's `--env-file` reads it: one KEY=VALUE a line, the value verbatim
 * to the end of the line; a KEY alone is taken from the caller's environment; empty lines and lines with "#" in front are
 * skipped. An "export " in front, as shells take it, is passed over.
 */
export function environmentFile(path: string, caller: Caller): readonly Variable[] {
  // Of the caller: another process may see another file there.
  caller.ownProcess();
  const file = resolvePath(caller, path);
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw new UsageError(`cannot read "${path}": ${systemErrorText(error)}`);
  }
  return linesOf(content).flatMap((line, index) => {
    const text = line.toString("latin1");
    const skipped = /^\s*(export\s+)?/.exec(text)?.[0].length ?? 0;
    if (skipped === text.length || text[skipped] === "#") {
      return [];
    }
    const entry = exact(line.subarray(skipped));
    const name = text.slice(skipped).split("=", 1)[0] ?? "";
    if (/\s/.test(name)) {
      throw new UsageError(`line ${index + 1} of "${path}": "${name}" cannot be the name of a variable`);
    }
    const variable = variableOf(entry, caller);
    return variable === undefined ? [] : [variable];
  });
}

function linesOf(content: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let begin = 0; begin < content.length; ) {
    const found = content.indexOf(newline, begin);
    const end = found < 0 ? content.length : found;
    lines.push(content.subarray(begin, content[end - 1] === carriageReturn && end > begin ? end - 1 : end));
    begin = end + 1;
  }
  return lines;
}

function variableOf(entry: TextOrBytes, caller: Caller): Variable | undefined {
  const equals = typeof entry === "string" ? entry.indexOf("=") : entry.indexOf(equalsSign);
  if (equals === 0 || entry.length === 0) {
    throw new UsageError(
      `"${typeof entry === "string" ? entry : "="}" names no variable`,
      "give KEY=VALUE, or KEY to pass on your own",
    );
  }
  if (equals > 0) {
    return typeof entry === "string"
      ? [entry.slice(0, equals), entry.slice(equals + 1)]
      : [exact(entry.subarray(0, equals)), exact(entry.subarray(equals + 1))];
  }
  const value = typeof entry === "string" ? callerVariable(entry, caller) : undefined;
  return value === undefined ? undefined : [entry, value];
}
