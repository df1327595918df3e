import type { ProcessInfo, WatchEvent } from "../../../sdk/types.ts";
import { shownState } from "./process-outcome.ts";
import type { TableState } from "./table.ts";

/** Whether a process is one that somebody should look at: it never began, ended badly, was lost or given up. */
export function hasFailed(process: ProcessInfo): boolean {
  const shown = shownState(process);
  return shown === "failed" || shown === "lost" || shown === "givenUp";
}

/** What has failed with these events; also, when a list takes the place of another one, what failed in between. */
export function newFailures(
  before: TableState,
  after: TableState,
  events: readonly WatchEvent[],
): readonly ProcessInfo[] {
  if (!before.loaded) {
    return [];
  }
  const candidates = new Map<string, ProcessInfo>();
  if (before.incoming) {
    if (!after.incoming) {
      for (const process of after.processes.values()) {
        candidates.set(process.id, process);
      }
    }
  } else {
    for (const event of events) {
      if (event.type === "added" || event.type === "modified") {
        candidates.set(event.process.id, event.process);
      }
    }
  }
  return [...candidates.values()].filter((process) => {
    const known = before.processes.get(process.id);
    return hasFailed(process) && !(known && known.run?.number === process.run?.number && hasFailed(known));
  });
}

/** The failed process after the cursor, going round; null: there is none. */
export function nextFailed({ order, index, processes }: TableState): string | null {
  for (let i = 1; i <= order.length; i++) {
    const id = order[(index + i) % order.length] ?? "";
    const process = processes.get(id);
    if (process && hasFailed(process)) {
      return id;
    }
  }
  return null;
}

/** "exited 1", "was killed by SIGKILL", "could not be started: ENOENT", "is lost", "is given up" */
export function failureText({ run, state, lastChange }: ProcessInfo): string {
  const { exit, failure } = run ?? {};
  if (state === "lost") {
    return "is lost";
  }
  if (state === "givenUp") {
    return `is given up${lastChange?.cause?.detail ? `: ${lastChange.cause.detail}` : ""}`;
  }
  if (state === "failed" || !exit) {
    return `could not be started: ${failure?.message || failure?.errnoName || "no reason is known"}`;
  }
  return exit.code !== undefined ? `exited ${exit.code}` : `was killed by ${exit.signalName}`;
}
