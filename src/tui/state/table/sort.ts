import type { ProcessInfo, ProcessState } from "../../../sdk/types.ts";
import { naturalKey } from "../../text/natural-key.ts";
import { sinceTime } from "./process-age.ts";
import type { ProcessCounts } from "./process-counts.ts";
import { commandLine } from "./process-filter.ts";
import { endedBadly } from "./process-outcome.ts";
import type { Usage } from "./usage.ts";

/** What the table can be sorted by, in the order in which `o` goes through them. */
export const SORT_KEYS = [
  "name",
  "state",
  "cpu",
  "memory",
  "since",
  "pid",
  "exit",
  "command",
  "run",
  "restarts",
  "health",
  "next",
  "project",
  "schedule",
  "queue",
] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** Null: the cell is empty; those come last in either direction. */
export type SortValue = number | string | null;

/** Whether the largest comes first: where one looks for the most, or the worst, unless it is turned round. */
export function isDescending(key: SortKey, reversed: boolean): boolean {
  return LARGEST_FIRST.has(key) !== reversed;
}

const LARGEST_FIRST: ReadonlySet<SortKey> = new Set(["cpu", "memory", "exit", "run", "restarts"]);

/** The keys that tell processes apart: by what supervision brings only where some have it. */
export function usefulSortKeys({ facts }: ProcessCounts): readonly SortKey[] {
  return SORT_KEYS.filter((key) => !(key in facts) || facts[key as keyof typeof facts] > 0);
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
    case "run":
      return process.run?.number ?? null;
    case "restarts":
      return process.supervision?.restarts || null;
    case "health":
      return healthValue(process);
    case "next":
      return (process.state === "waiting" && process.supervision?.waiting?.until?.getTime()) || null;
    case "project":
      return nameValue(process.supervision?.project);
    case "schedule":
      return nameValue(process.supervision?.schedule);
    case "queue": {
      // What runs, then what waits, in its turn.
      const { spec, supervision } = process;
      const position = supervision?.queuePosition ?? 0;
      return nameValue(spec.queue && `${spec.queue} ${position}`);
    }
  }
}

function nameValue(name: string | undefined): string | null {
  return name ? naturalKey(name.toLowerCase()) : null;
}

/** What needs attention first, as with states. */
function healthValue({ supervision }: ProcessInfo): number | null {
  const { readiness, health } = supervision ?? {};
  return health === "unhealthy"
    ? 0
    : readiness === "notReady"
      ? 1
      : readiness === "ready" || health === "healthy"
        ? 2
        : null;
}

export function usageValue(key: SortKey, usage: Usage | undefined): number | null {
  if (key === "memory") {
    return usage?.residentBytes ?? null;
  }
  // As it is shown: a difference that nobody sees must not move rows about.
  return usage?.cpuPercent === undefined ? null : Math.round(usage.cpuPercent * 10);
}
