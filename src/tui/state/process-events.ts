import type { ProcessInfo, WatchEvent } from "../../sdk/types.ts";
import type { Action } from "./action.ts";
import { type DashboardState, HISTORY_SAMPLES, type UsageHistory } from "./state.ts";
import { recordChanges } from "./table/state-changes.ts";
import { applyUsages, applyWatchEvents } from "./table/table-events.ts";
import type { Usage } from "./table/usage.ts";

/** Takes over what the watch reports. */
export function applyProcessEvents(state: DashboardState, events: readonly WatchEvent[], now: number): DashboardState {
  const table = applyWatchEvents(state.table, events);
  return {
    ...state,
    table,
    overlay: keepDetails(state, events, (id) => table.processes.has(id)),
    changes: recordChanges(state.changes, state.table, events, now),
  };
}

/** The details of a process that was removed keep what was last known of it. */
function keepDetails(
  { overlay, table }: DashboardState,
  events: readonly WatchEvent[],
  isKnown: (id: string) => boolean,
): DashboardState["overlay"] {
  if (overlay?.kind !== "details" || !overlay.full || isKnown(overlay.id)) {
    return overlay;
  }
  let last: ProcessInfo | undefined = table.processes.get(overlay.id);
  for (const event of events) {
    if ((event.type === "added" || event.type === "modified") && event.process.id === overlay.id) {
      last = event.process;
    }
  }
  return last ? { ...overlay, full: { ...last, spec: { ...last.spec, env: overlay.full.spec.env } } } : overlay;
}

/** Takes over what processes use. */
export function applySample(
  state: DashboardState,
  { sample, details, more = false }: Extract<Action, { type: "usage" }>,
): DashboardState {
  if (details) {
    const usage = sample.usages[0] ?? null;
    return state.overlay?.kind === "details" && (!usage || usage.id === state.overlay.id)
      ? { ...state, overlay: { ...state.overlay, usage } }
      : state;
  }
  const table = applyUsages(state.table, sample.usages, more);
  const used = state.history.id === null ? undefined : table.usages.get(state.history.id);
  const history =
    used && sample.usages.some(({ id }) => id === state.history.id) ? remember(state.history, used) : state.history;
  return { ...state, history, table };
}

function remember(history: UsageHistory, { cpuPercent = 0, residentBytes }: Usage): UsageHistory {
  return {
    id: history.id,
    cpu: [...history.cpu, cpuPercent].slice(-HISTORY_SAMPLES),
    memory: [...history.memory, residentBytes].slice(-HISTORY_SAMPLES),
  };
}
