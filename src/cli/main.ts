/** From a command line to an exit code. Kept small: everything that a command needs beyond this is loaded by the command. */

import { ExitCode } from "../common/exit-codes.ts";
import { mostSimilar } from "../common/similar.ts";
import { PmError } from "../sdk/errors.ts";
import { parse, parseGlobals } from "./arguments/parse.ts";
import { BrokenPipe, type Caller, OwnProcessNeeded } from "./caller.ts";
import { findEntry, findGroup, registry } from "./commands/registry.ts";
import { exitCodeOf, formatError } from "./errors.ts";
import { UsageError } from "./usage-error.ts";

/** What a shell reports of a command that SIGPIPE ended. */
const brokenPipeExitCode = ExitCode.signalBase + 13;

/**
 * Runs the command that the caller's arguments name; resolves with its exit code.
 *
 * @throws OwnProcessNeeded as {@link Caller.ownProcess}, where nothing has been done yet
 */
export async function main(caller: Caller, argv: readonly string[] = caller.args): Promise<number> {
  let failureCode: ((error: unknown) => number) | undefined;
  let debug = argv.includes("--debug");
  let parsed = false;
  let words: readonly string[] = [];
  try {
    if (argv[0] === "--version" || argv[0] === "-V") {
      return await main(caller, ["version", "--client"]);
    }
    const { globals: before, rest } = argv[0]?.startsWith("-")
      ? parseGlobals(argv, caller)
      : { globals: [], rest: argv };
    const found = findEntry(rest);
    if (found === undefined) {
      return await withoutCommand(caller, before, rest);
    }
    words = found.words;
    const { command } = await found.entry.load();
    failureCode = command.exitCodeOf;
    const { values, globals, operands, tail } = parse([...before, ...rest.slice(found.words.length)], command, caller);
    parsed = true;
    debug = globals.debug;
    if (debug) {
      // A stack is one of the process that it shows.
      caller.ownProcess();
    }
    if (globals.help) {
      const { commandHelp } = await import("./help.ts");
      caller.print(commandHelp(found.words, command));
      return ExitCode.ok;
    }
    const code = await command.run({ options: values, globals, operands, ...(tail !== undefined && { tail }), caller });
    caller.finish();
    return code;
  } catch (error) {
    if (error instanceof OwnProcessNeeded) {
      throw error;
    }
    if (debug && !parsed) {
      caller.ownProcess();
    }
    if (error instanceof BrokenPipe) {
      return brokenPipeExitCode;
    }
    caller.note(formatError(withHelp(error, words), debug));
    if (mayBeElsewhere(error) && !namesDaemon(argv)) {
      const { daemonElsewhere } = await import("./daemon/elsewhere.ts");
      caller.note(daemonElsewhere(caller) ?? "");
    }
    return failureCode?.(error) ?? exitCodeOf(error);
  }
}

/** Whether it is about a daemon, or a process, that somebody expects and that may be found in another place. */
function mayBeElsewhere(error: unknown): boolean {
  return error instanceof PmError && (error.reason === "UNREACHABLE" || error.reason === "PROCESS_NOT_FOUND");
}

function namesDaemon(argv: readonly string[]): boolean {
  return argv.some((arg) => /^--(host|context)(=|$)/.test(arg));
}

/** Who has no better hint is led to the help of the command. */
function withHelp(error: unknown, words: readonly string[]): unknown {
  return error instanceof UsageError && error.hint === undefined && words.length > 0
    ? new UsageError(error.message, `see 'pm ${words.join(" ")} --help'`)
    : error;
}

/** No command, a group alone, or a word that is none. */
async function withoutCommand(caller: Caller, before: readonly string[], rest: readonly string[]): Promise<number> {
  const wantsHelp = (args: readonly string[]): boolean => args.includes("--help") || args.includes("-h");
  const [first, second] = rest;
  const { generalHelp, groupHelp } = await import("./help.ts");
  if (first === undefined) {
    const help = await generalHelp();
    if (wantsHelp(before)) {
      caller.print(help);
      return ExitCode.ok;
    }
    caller.note(help);
    return ExitCode.usage;
  }
  const group = findGroup(first);
  if (group === undefined) {
    throw unknownCommand(
      first,
      Object.keys(registry).filter((name) => !name.startsWith("__")),
    );
  }
  if (second !== undefined && !second.startsWith("-")) {
    throw unknownCommand(second, Object.keys(group.commands), first);
  }
  const help = await groupHelp(first, group);
  if (wantsHelp([...before, ...rest])) {
    caller.print(help);
    return ExitCode.ok;
  }
  caller.note(help);
  return ExitCode.usage;
}

function unknownCommand(word: string, known: readonly string[], group?: string): UsageError {
  const similar = mostSimilar(word, known);
  const prefix = group === undefined ? "pm" : `pm ${group}`;
  return new UsageError(
    `"${word}" is not a command of ${prefix}`,
    similar === undefined ? `see '${prefix} --help'` : `did you mean "${prefix} ${similar}"?`,
  );
}
