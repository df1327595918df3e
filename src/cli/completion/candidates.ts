/** What could stand at the cursor, derived from the specs of the commands. */
import type { Command, Completion, Option } from "../command.ts";
import { type CommandEntry, type CommandGroup, findEntry, findGroup, registry } from "../commands/registry.ts";
import { globalOptions } from "../globals.ts";

export interface Candidate {
  readonly value: string;
  readonly description?: string;
}

/** Candidates, or a kind of thing that the shell completes by itself. */
export type Answer = readonly Candidate[] | ":files" | ":directories" | ":commands";

const nothing: Answer = [];

/**
 * @param words those after "pm"; the last one is under the cursor, perhaps empty
 * @param processes asks the daemon for names and ids
 */
export async function complete(
  words: readonly string[],
  processes: () => Promise<readonly Candidate[]>,
): Promise<Answer> {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? "";
  const skipped = globalWords(before);
  const found = findEntry(before.slice(skipped));
  if (found === undefined) {
    return completeCommandWord(before.slice(skipped), current);
  }
  const { command } = await found.entry.load();
  return completeArgument(command, before.slice(skipped + found.words.length), current, processes);
}

/** How many words before the command's name are global options and their values. */
function globalWords(words: readonly string[]): number {
  let count = 0;
  while (words[count]?.startsWith("-")) {
    count += isAwaitingValue(words[count], globalOptions) ? 2 : 1;
  }
  return Math.min(count, words.length);
}

async function completeCommandWord(before: readonly string[], current: string): Promise<Answer> {
  if (before.length > 1) {
    return nothing;
  }
  if (current.startsWith("-")) {
    return optionCandidates(globalOptions);
  }
  const [first] = before;
  if (first === undefined) {
    return commandCandidates(Object.entries(registry).filter(([name]) => !name.startsWith("__")));
  }
  const group = findGroup(first);
  return group === undefined ? nothing : commandCandidates(Object.entries(group.commands));
}

function commandCandidates(entries: readonly (readonly [string, CommandEntry | CommandGroup])[]): Promise<Candidate[]> {
  return Promise.all(
    entries.map(async ([value, entry]) => ({
      value,
      description: "load" in entry ? (await entry.load()).command.summary : entry.summary,
    })),
  );
}

async function completeArgument(
  { options: own, operands }: Command,
  before: readonly string[],
  current: string,
  processes: () => Promise<readonly Candidate[]>,
): Promise<Answer> {
  const options: Readonly<Record<string, Option>> = { ...globalOptions, ...own };
  let operandCount = 0;
  let awaiting: Option | undefined;
  for (const [index, word] of before.entries()) {
    if (awaiting !== undefined) {
      awaiting = undefined;
    } else if (operands?.verbatim === true && (word === "--" || !word.startsWith("-"))) {
      // From its first word on it is somebody else's command line.
      return index === before.length - 1 && word === "--" ? ofKind(operands.complete, processes) : ":files";
    } else if (word.startsWith("-")) {
      awaiting = awaitingValue(word, options);
    } else {
      operandCount++;
    }
  }
  if (awaiting !== undefined) {
    return ofKind(awaiting.kind === "flag" ? "none" : awaiting.complete, processes);
  }
  if (current.startsWith("-")) {
    return optionCandidates(options);
  }
  if (operands === undefined || operandCount >= (operands.max ?? Number.POSITIVE_INFINITY)) {
    return nothing;
  }
  return ofKind(operands.complete, processes);
}

async function ofKind(kind: Completion | undefined, processes: () => Promise<readonly Candidate[]>): Promise<Answer> {
  switch (kind) {
    case "file":
    case undefined:
      return ":files";
    case "directory":
      return ":directories";
    case "command":
      return ":commands";
    case "process":
      return processes();
    case "none":
      return nothing;
    default:
      return kind.map((value) => ({ value }));
  }
}

function optionCandidates(options: Readonly<Record<string, Option>>): readonly Candidate[] {
  return Object.entries(options).flatMap(([name, { short, summary }]) => [
    { value: `--${name}`, description: summary },
    ...(short === undefined ? [] : [{ value: `-${short}`, description: summary }]),
  ]);
}

function isAwaitingValue(word: string | undefined, options: Readonly<Record<string, Option>>): boolean {
  return word !== undefined && awaitingValue(word, options) !== undefined;
}

/** The option whose value the next word is: "--name", or a group of short flags that ends in "-n". */
function awaitingValue(word: string, options: Readonly<Record<string, Option>>): Option | undefined {
  const named = Object.hasOwn(options, word.slice(2)) ? options[word.slice(2)] : undefined;
  const option = word.startsWith("--")
    ? named
    : Object.values(options).find(({ short }) => short !== undefined && short === word.at(-1));
  return option?.kind === "flag" || option?.kind === "optional" ? undefined : option;
}
