import type { ProjectDescription } from "./description.ts";
import { type Entry, entryOf, type Place, type Value } from "./yaml/tree.ts";

/** Where fields of the contract come from that a file calls otherwise. */
const aliases: Readonly<Record<string, string>> = { executable: "command", args: "command", terminal: "tty" };

/**
 * Where in the file that stands which a daemon refused: the nearest there is.
 *
 * @param field Of the request, such as "processes[0].spec.stop.signal".
 */
export function locateField(
  file: Value,
  { processes, schedules }: ProjectDescription,
  field: string,
): Place | undefined {
  const [, list = "", index = "", rest = ""] = /^(processes|schedules)\[(\d+)\](.*)$/.exec(field) ?? [];
  const name = (list === "processes" ? processes : schedules)[Number(index)]?.name;
  const all = list === "" ? undefined : at(file, list)?.value;
  const one = all === undefined || name === undefined ? undefined : at(all, name);
  if (one === undefined) {
    return undefined;
  }
  let found: Entry = one;
  for (const word of rest.split(/[.[\]]+/)) {
    found = at(found.value, aliases[word] ?? word) ?? found;
  }
  return found === one ? one.place : found.value.place;
}

function at(value: Value, key: string): Entry | undefined {
  return value.kind === "map" ? entryOf(value, key) : undefined;
}
