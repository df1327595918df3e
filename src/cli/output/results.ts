/** What commands print about things that are no processes: text for people, or data. */
import { ExitCode } from "../../common/exit-codes.ts";
import { type Caller, endsCommand } from "../caller.ts";
import { exitCodeOf, formatError } from "../errors.ts";
import { jsonLine, prettyJson } from "./format.ts";

/** `-o` of commands that list things. */
export const listFormats = ["table", "json", "jsonl", "name"] as const;

/** `-o` of commands that change things; text is what they say to people, and nothing where there is nothing to say. */
export const changeFormats = ["text", "json", "jsonl", "name"] as const;

export type Format = (typeof listFormats)[number] | (typeof changeFormats)[number];

export interface Listing<T> {
  readonly items: readonly T[];
  /** The field of the JSON object that holds them all, as in the contract; undefined: JSON is an array. */
  readonly key?: string;
  readonly name: (item: T) => string;
  readonly json: (item: T) => object;
  /** For people. May ask the daemon. */
  readonly text: () => string | Promise<string>;
}

/** Prints a list. */
export async function printList<T>(
  caller: Caller,
  format: Format | undefined,
  { items, key, name, json, text }: Listing<T>,
): Promise<void> {
  switch (format) {
    case "json": {
      const objects = items.map(json);
      caller.print(prettyJson(key === undefined ? objects : { [key]: objects }));
      break;
    }
    case "jsonl":
      caller.print(items.map((item) => jsonLine(json(item))).join(""));
      break;
    case "name":
      caller.print(items.map((item) => `${name(item)}\n`).join(""));
      break;
    default:
      caller.print(await text());
  }
}

/** Prints the one thing that a command changed; nothing for people. */
export function printChanged(caller: Caller, format: Format | undefined, name: string, json: object): void {
  switch (format) {
    case "json":
      caller.print(prettyJson(json));
      break;
    case "jsonl":
      caller.print(jsonLine(json));
      break;
    case "name":
      caller.print(`${name}\n`);
  }
}

export interface NamedOptions {
  readonly caller: Caller;
  readonly format: Format | undefined;
  readonly debug: boolean;
  /** The field of the JSON object that holds the results of several. */
  readonly key: string;
}

/**
 * Acts on each thing that is named and prints a result for each. What fails is told on standard error and stops none of
 * the others.
 *
 * @returns the greatest of the exit codes
 * @throws the error, where only one was named
 */
export async function actOnNamed(
  names: readonly string[],
  act: (name: string) => Promise<object>,
  { caller, format, debug, key }: NamedOptions,
): Promise<number> {
  const [only] = names;
  if (names.length === 1 && only !== undefined) {
    printChanged(caller, format, only, await act(only));
    return ExitCode.ok;
  }
  const objects: object[] = [];
  let worst: number = ExitCode.ok;
  for (const name of names) {
    try {
      const json = await act(name);
      if (format === "json") {
        objects.push(json);
      } else {
        printChanged(caller, format, name, json);
      }
    } catch (error) {
      if (endsCommand(error)) {
        throw error;
      }
      caller.note(formatError(error, debug));
      worst = Math.max(worst, exitCodeOf(error));
    }
  }
  if (format === "json") {
    caller.print(prettyJson({ [key]: objects }));
  }
  return worst;
}
