import type { ProcessInfo, ProcessState } from "../../../sdk/types.ts";
import { naturalKey } from "../../text/natural-key.ts";
import { sinceTime } from "./process-age.ts";
import { commandLine } from "./process-filter.ts";
import { endedBadly } from "./process-outcome.ts";
import type { Usage } from "./usage.ts";

/** What the table can be sorted by, in the order in which `o` goes through them. */
export const SORT_KEYS = ["name", "state", "cpu", "memory", "since", "pid", "exit", "command"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** Null: the cell is empty; those come last in either direction. */
export type SortValue = number | string | null;

/** Whether the largest comes first: where one looks for the most, or the worst, unless it is turned round. */
export function isDescending(key: SortKey, reversed: boolean): boolean {
  return (key === "cpu" || key === "memory" || key === "exit") !== reversed;
}

/** Whether samples of usage can change the order. */
export function sortsByUsage(key: SortKey): boolean {
  return key === "cpu" || key === "memory";
}

/** What needs attention first. */
const STATE_ORDER: Readonly<Record<ProcessState, number>> = {
  failed: 0,
  givenUp: 1,
  lost: 2,
  stopping: 4,
  starting: 5,
  waiting: 6,
  running: 7,
  exited: 8,
};
const ENDED_BADLY = 3;

function exitValue({ run, state }: ProcessInfo): number | null {
  const { exit, failure } = run ?? {};
  if (state === "failed" && failure) {
    return Number.POSITIVE_INFINITY;
  }
  return exit ? (exit.code ?? 128 + (exit.signal ?? 0)) : null;
}

/** What a process is sorted by, compared with `<`; the smallest comes first unless the order is turned round. */
export function sortValue(key: SortKey, process: ProcessInfo, usage: Usage | undefined): SortValue {
  switch (key) {
    case "name":
      // Those without a name come after the letters.
      return naturalKey(process.name === undefined ? `\uffff${commandLine(process)}` : process.name.toLowerCase());
    case "state":
      return endedBadly(process) ? ENDED_BADLY : STATE_ORDER[process.state];
    case "cpu":
    case "memory":
      return usageValue(key, usage);
    case "since": {
      // The time that has passed is what is shown: the newest change has the smallest.
      const since = sinceTime(process);
      return since === null ? null : -since;
    }
    case "pid":
      return process.run?.pid ?? null;
    case "exit":
      return exitValue(process);
    case "command":
      return naturalKey(commandLine(process));
  }
}

export function usageValue(key: SortKey, usage: Usage | undefined): number | null {
  if (key === "memory") {
    return usage?.residentBytes ?? null;
  }
  // As it is shown: a difference that nobody sees must not move rows about.
  return usage?.cpuPercent === undefined ? null : Math.round(usage.cpuPercent * 10);
}
