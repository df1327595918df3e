import type { Cause, Change, ProcessInfo, ProcessState, WatchEvent } from "../../../sdk/types.ts";
import type { ShownState } from "../../text/state-glyphs.ts";
import { shownState } from "./process-outcome.ts";
import type { TableState } from "./table.ts";

/** A process went from one state to another while the dashboard watched. */
export interface StateChange {
  readonly id: string;
  /** By the daemon's clock. Milliseconds since the epoch. */
  readonly time: number;
  /** Whether the daemon said so; else it is when it was seen, a little late. */
  readonly isTold: boolean;
  /** Undefined: it had none yet. */
  readonly run: number | undefined;
  readonly state: ProcessState;
  /** The state whose sign it has. */
  readonly shown: ShownState;
  /** Why, as far as the daemon says so. */
  readonly cause: Cause | undefined;
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
      if (before?.state !== state || before.run?.number !== run?.number) {
        const told = toldChange(event.process);
        const change = {
          id,
          time: told?.time.getTime() ?? now,
          isTold: told !== undefined,
          run: run?.number,
          state,
          shown: shownState(event.process),
          cause: told?.cause,
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

/** What the daemon says of how a process came into its state; undefined: nothing. */
function toldChange({ state, lastChange }: ProcessInfo): Change | undefined {
  return lastChange?.to === state ? lastChange : undefined;
}
