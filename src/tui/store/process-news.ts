import type { UsageSample, WatchEvent } from "../../sdk/types.ts";
import { type DashboardState, HISTORY_SAMPLES, type StateChange } from "./state.ts";
import { applyUsages, applyWatchEvents } from "./table.ts";

/** Changes of state that are remembered, for all processes together. */
const CHANGES = 500;

/** Takes over what the watch reports. */
export function watched(state: DashboardState, events: readonly WatchEvent[], now: number): DashboardState {
  const changes: StateChange[] = [];
  if (state.table.loaded && !state.table.incoming) {
    for (const event of events) {
      if (event.type === "added" || event.type === "modified") {
        const { id, run, state: to } = event.process;
        const before = state.table.processes.get(id);
        if (before?.state !== to || before.run !== run) {
          changes.push({ id, time: now, run, state: to });
        }
      }
    }
  }
  return {
    ...state,
    table: applyWatchEvents(state.table, events),
    changes: changes.length > 0 ? [...state.changes, ...changes].slice(-CHANGES) : state.changes,
  };
}

/** Takes over what processes use. */
export function sampled(state: DashboardState, sample: UsageSample, details: boolean): DashboardState {
  if (details) {
    const usage = sample.usages[0] ?? null;
    return state.overlay?.kind === "details" && (!usage || usage.id === state.overlay.id)
      ? { ...state, overlay: { ...state.overlay, usage } }
      : state;
  }
  let { history } = state;
  const selected = sample.usages.find(({ id }) => id === history.id);
  if (selected) {
    history = {
      id: history.id,
      cpu: [...history.cpu, selected.cpuPercent ?? 0].slice(-HISTORY_SAMPLES),
      memory: [...history.memory, selected.residentBytes].slice(-HISTORY_SAMPLES),
    };
  }
  return { ...state, history, table: applyUsages(state.table, sample.usages) };
}
