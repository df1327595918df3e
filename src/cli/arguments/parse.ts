import { parseArgs } from "node:util";
import { mostSimilar } from "../../common/similar.ts";
import type { Caller } from "../caller.ts";
import type { Command, Option, Options } from "../command.ts";
import { type Globals, globalOptions } from "../globals.ts";
import { UsageError } from "../usage-error.ts";

/** Option values by long name, not yet typed by their specs. */
export type Values = Record<string, unknown>;

export interface Parsed {
  readonly values: Values;
  readonly globals: Globals;
  readonly operands: readonly string[];
  readonly tail?: readonly string[];
}

/**
 * Parses what follows a command's name. Options and operands may be mixed,
 * unless the operands are verbatim: then the first one ends the options.
 *
 * @throws UsageError
 */
export function parse(
  given: readonly string[],
  command: Pick<Command, "options" | "operands" | "forOne" | "rewrite">,
  caller: Caller,
): Parsed {
  const { options, operands: expected, forOne, rewrite } = command;
  const end = expected?.tail === undefined ? -1 : given.indexOf("--");
  const own = end < 0 ? given : given.slice(0, end);
  const tail = end < 0 ? {} : { tail: given.slice(end + 1) };
  const args = rewrite?.(own) ?? own;
  const parsed = scan(args, { ...globalOptions, ...options }, expected?.verbatim === true, caller);
  const globals = pick(parsed.values, globalOptions) as Globals;
  const { operands } = parsed;
  if (globals.help) {
    return { values: {}, globals, operands, ...tail };
  }
  const max = expected === undefined ? 0 : (expected.max ?? Number.POSITIVE_INFINITY);
  if (operands.length > max) {
    throw new UsageError(
      `unexpected argument "${operands[max]}"${max === 0 ? "" : `: expected ${expected?.usage} and no more`}`,
      forOne === undefined ? undefined : `'${forOne} ${operands[max]}' shows one`,
    );
  }
  if (expected !== undefined && operands.length < expected.min) {
    throw new UsageError(
      operands.length === 0
        ? `an argument is missing: expected ${expected.usage}`
        : `expected ${expected.usage}, not only "${operands.join(" ")}"`,
    );
  }
  if (end >= 0 && given.length === end + 1) {
    throw new UsageError(`expected ${expected?.tail} after "--"`);
  }
  return { values: pick(parsed.values, options), globals, operands, ...tail };
}

/** Parses the global options before a command's name; `rest` begins with that name. */
export function parseGlobals(
  args: readonly string[],
  caller: Caller,
): { globals: readonly string[]; rest: readonly string[] } {
  const { operands } = scan(args, globalOptions, true, caller);
  return { globals: args.slice(0, args.length - operands.length), rest: operands };
}

function pick(values: Values, options: Options): Values {
  const picked: Values = {};
  for (const [name, option] of Object.entries(options)) {
    picked[name] = values[name] ?? (option.kind === "flag" ? false : option.kind === "repeated" ? [] : undefined);
  }
  return picked;
}

function scan(
  args: readonly string[],
  options: Options,
  stopAtOperand: boolean,
  caller: Caller,
): { values: Values; operands: readonly string[] } {
  const { tokens } = parseArgs({
    args,
    options: Object.fromEntries(Object.entries(options).map(([name, option]) => [name, parseArgsOption(option)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Values = {};
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === "option-terminator") {
      if (stopAtOperand) {
        return { values, operands: args.slice(token.index + 1) };
      }
      continue;
    }
    if (token.kind === "positional") {
      if (stopAtOperand) {
        return { values, operands: args.slice(token.index) };
      }
      operands.push(token.value);
      continue;
    }
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) {
      throw unknownOption(token.rawName, options);
    }
    if (option.kind === "flag") {
      if (token.value !== undefined) {
        throw new UsageError(`option ${token.rawName} takes no value`);
      }
      values[token.name] = true;
      continue;
    }
    if (option.kind === "optional" && token.value === undefined) {
      values[token.name] = option.bare;
      continue;
    }
    if (token.value === undefined) {
      throw new UsageError(`option ${token.rawName} needs a value: ${token.rawName} ${option.value}`);
    }
    const value = parseValue(token.rawName, (text) => option.parse(text, caller), token.value);
    if (option.kind === "repeated") {
      const list = (values[token.name] ?? []) as unknown[];
      list.push(value);
      values[token.name] = list;
    } else {
      values[token.name] = value;
    }
  }
  return { values, operands };
}

function parseArgsOption(option: Option): { type: "boolean" | "string"; short?: string; multiple: boolean } {
  return {
    type: option.kind === "flag" || option.kind === "optional" ? "boolean" : "string",
    multiple: option.kind === "repeated",
    ...(option.short === undefined ? {} : { short: option.short }),
  };
}

function parseValue(rawName: string, parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof UsageError) {
      throw new UsageError(`${rawName}: ${error.message}`, error.hint);
    }
    throw error;
  }
}

/** What hands know from docker, kubectl and systemd-run, and what it is called here. */
const calledHere: Readonly<Record<string, string>> = {
  "grace-period": "timeout",
  "pids-limit": "pids",
  "working-directory": "directory",
  chdir: "directory",
  cwd: "directory",
  filter: "selector",
  interactive: "stdin",
  previous: "run",
  setenv: "env",
  tail: "lines",
  time: "timeout",
  workdir: "directory",
};

function unknownOption(rawName: string, options: Options): UsageError {
  const similar = rawName.startsWith("--") ? meantBy(rawName.slice(2), options) : undefined;
  return new UsageError(`unknown option ${rawName}`, similar === undefined ? undefined : `did you mean --${similar}?`);
}

function meantBy(name: string, options: Options): string | undefined {
  const here = calledHere[name];
  return here !== undefined && Object.hasOwn(options, here) ? here : mostSimilar(name, Object.keys(options));
}
