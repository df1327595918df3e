import type { ProcessInfo, ProcessState, WatchEvent } from "../../../sdk/types.ts";
import { shownState } from "./process-outcome.ts";
import type { TableState } from "./table.ts";

/** A process went from one state to another while the dashboard watched. */
export interface StateChange {
  readonly id: string;
  /** By the daemon's clock. Milliseconds since the epoch. */
  readonly time: number;
  /** Whether the daemon said so; else it is when it was seen, a little late. */
  readonly isTold: boolean;
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
  let next = changes;
  // Of those that several events are about: what the event before said.
  const latest = new Map<string, ProcessInfo>();
  for (const event of events) {
    if (event.type === "added" || event.type === "modified") {
      const { id, run, state } = event.process;
      const before = latest.get(id) ?? table.processes.get(id);
      latest.set(id, event.process);
      if (before?.state !== state || before.run !== run) {
        const told = toldTime(event.process);
        const change = {
          id,
          time: told ?? now,
          isTold: told !== undefined,
          run,
          state,
          shown: shownState(event.process),
        };
        next = withChange(next, change);
      }
    }
  }
  return next;
}

/** In order: what was only seen was not later than what the daemon says came after it, nor earlier than what came before. */
function withChange(changes: readonly StateChange[], change: StateChange): readonly StateChange[] {
  const earlier = changes.map((before) =>
    before.id === change.id && !before.isTold && change.isTold && before.time > change.time
      ? { ...before, time: change.time }
      : before,
  );
  const last = earlier.findLast(({ id }) => id === change.id)?.time ?? change.time;
  return [...earlier, { ...change, time: Math.max(change.time, last) }].slice(-CHANGES);
}

/** When a process came into its state, in milliseconds since the epoch; undefined: the daemon does not say. */
function toldTime({ state, startTime, exitTime }: ProcessInfo): number | undefined {
  return (state === "running" ? startTime : state === "exited" ? exitTime : undefined)?.getTime();
}
