/** Which processes a filter selects. */
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { type ProcessFilter, ProcessState } from "../../gen/ts/pm/v1/process_pb.ts";
import { reasonError } from "./errors.ts";
import type { FakeProcess } from "./fake-process.ts";

/** Whether it selects everything. */
export function isEmpty(filter: ProcessFilter | undefined): boolean {
  return (
    filter === undefined ||
    Object.entries(filter).every(
      ([key, value]) =>
        key.startsWith("$") || value === undefined || value === "" || (Array.isArray(value) && value.length === 0),
    )
  );
}

export function matches(process: FakeProcess, filter: ProcessFilter | undefined): boolean {
  if (filter === undefined) {
    return true;
  }
  const { ids, idPrefixes, names, namePatterns, states, labelSelector, living } = filter;
  const { state, createTime, run } = process.snapshot();
  const exitTime = state === ProcessState.EXITED ? run?.exitTime : undefined;
  const named = ids.length + idPrefixes.length + names.length + namePatterns.length;
  return (
    (named === 0 ||
      ids.includes(process.id) ||
      names.includes(process.name) ||
      idPrefixes.some((prefix) => process.id.startsWith(prefix)) ||
      namePatterns.some((pattern) => globToRegExp(pattern).test(process.name))) &&
    (states.length === 0 || states.includes(state)) &&
    (living === undefined || living === process.living) &&
    isBetween(createTime, filter.createdAfter, filter.createdBefore) &&
    isBetween(exitTime, filter.endedAfter, filter.endedBefore) &&
    labelSelector
      .split(",")
      .filter((text) => text !== "")
      .every((selector) => {
        const match = /^([^=!\s()]+)==?([^=!\s()]*)$/.exec(selector.trim());
        if (match === null) {
          throw reasonError("INVALID_ARGUMENT", "the fake daemon knows selectors of the form key=value only");
        }
        return process.labels[match[1] as string] === match[2];
      })
  );
}

function isBetween(time: Timestamp | undefined, after: Timestamp | undefined, before: Timestamp | undefined): boolean {
  return (
    (after === undefined || (time !== undefined && timestampMs(time) > timestampMs(after))) &&
    (before === undefined || (time !== undefined && timestampMs(time) < timestampMs(before)))
  );
}

/** `*`, `?` and `[…]`. */
function globToRegExp(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source.replaceAll("[!", "[^")}$`);
}
