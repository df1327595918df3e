/** The entry of `pm`. Kept small: everything that a command needs beyond this is loaded by the command. */
import { parse, parseGlobals } from "./arguments/parse.ts";
import { findEntry, findGroup, registry } from "./commands/registry.ts";
import { exitCodeOf, formatError } from "./errors.ts";
import { ExitCode } from "./exit-code.ts";
import { BrokenPipe, note, print } from "./output/sink.ts";
import { mostSimilar } from "./similar.ts";
import { UsageError } from "./usage-error.ts";

/** What a shell reports of a command that SIGPIPE ended. */
const brokenPipeExitCode = ExitCode.signalBase + 13;

async function main(argv: readonly string[]): Promise<number> {
  let failureCode: ((error: unknown) => number) | undefined;
  let debug = argv.includes("--debug");
  try {
    if (argv[0] === "--version" || argv[0] === "-V") {
      return await main(["version", "--client"]);
    }
    const { globals: before, rest } = argv[0]?.startsWith("-") ? parseGlobals(argv) : { globals: [], rest: argv };
    const found = findEntry(rest);
    if (found === undefined) {
      return await withoutCommand(before, rest);
    }
    const { command } = await found.entry.load();
    failureCode = command.exitCodeOf;
    const { values, globals, operands } = parseCommand(
      [...before, ...rest.slice(found.words.length)],
      found.words,
      command,
    );
    debug = globals.debug;
    if (globals.help) {
      const { commandHelp } = await import("./help.ts");
      print(commandHelp(found.words, command));
      return ExitCode.ok;
    }
    return await command.run({ options: values, globals, operands });
  } catch (error) {
    if (error instanceof BrokenPipe) {
      return brokenPipeExitCode;
    }
    note(formatError(error, debug));
    return failureCode?.(error) ?? exitCodeOf(error);
  }
}

function parseCommand(
  args: readonly string[],
  words: readonly string[],
  command: Parameters<typeof parse>[1],
): ReturnType<typeof parse> {
  try {
    return parse(args, command);
  } catch (error) {
    if (error instanceof UsageError && error.hint === undefined) {
      throw new UsageError(error.message, `see 'pm ${words.join(" ")} --help'`);
    }
    throw error;
  }
}

/** No command, a group alone, or a word that is none. */
async function withoutCommand(before: readonly string[], rest: readonly string[]): Promise<number> {
  const wantsHelp = (args: readonly string[]): boolean => args.includes("--help") || args.includes("-h");
  const [first, second] = rest;
  const { generalHelp, groupHelp } = await import("./help.ts");
  if (first === undefined) {
    const help = await generalHelp();
    if (wantsHelp(before)) {
      print(help);
      return ExitCode.ok;
    }
    note(help);
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
    print(help);
    return ExitCode.ok;
  }
  note(help);
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

// Not `process.exitCode`: an open connection must not keep a finished command alive.
main(process.argv.slice(2)).then((code) => process.exit(code));
