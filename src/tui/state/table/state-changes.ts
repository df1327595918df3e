import type { ProcessInfo, ProcessState, WatchEvent } from "../../../sdk/types.ts";
import { shownState } from "./process-outcome.ts";
import type { TableState } from "./table.ts";

/** A process went from one state to another while the dashboard watched. */
export interface StateChange {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly run: number;
  readonly state: ProcessState;
  /** The state whose sign it has. */
  readonly shown: ProcessState;
}

/** Changes of state that are remembered, for all processes together. */
const CHANGES = 500;

/** Remembers which of the events are changes of state; `table` is as it was before them. */
export function recordChanges(
  changes: readonly StateChange[],
  table: TableState,
  events: readonly WatchEvent[],
  now: number,
): readonly StateChange[] {
  if (!table.loaded || table.incoming) {
    return changes;
  }
  const fresh: StateChange[] = [];
  // Of those that several events are about: what the event before said.
  const latest = new Map<string, ProcessInfo>();
  for (const event of events) {
    if (event.type === "added" || event.type === "modified") {
      const { id, run, state } = event.process;
      const before = latest.get(id) ?? table.processes.get(id);
      latest.set(id, event.process);
      if (before?.state !== state || before.run !== run) {
        fresh.push({ id, time: changeTime(event.process) ?? now, run, state, shown: shownState(event.process) });
      }
    }
  }
  return fresh.length > 0 ? [...changes, ...fresh].slice(-CHANGES) : changes;
}

/** When a process came into its state, in milliseconds since the epoch; undefined: it does not say. */
function changeTime({ state, startTime, exitTime }: ProcessInfo): number | undefined {
  return (state === "running" ? startTime : state === "exited" ? exitTime : undefined)?.getTime();
}
