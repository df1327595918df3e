import type { ProcessInfo, WatchEvent } from "../../sdk/types.ts";
import type { Action } from "./action.ts";
import { type DashboardState, HISTORY_SAMPLES, type StateChange, type UsageHistory } from "./state.ts";
import { shownState } from "./table/process-outcome.ts";
import { applyUsages, applyWatchEvents } from "./table/table-events.ts";
import type { Usage } from "./table/usage.ts";

/** Changes of state that are remembered, for all processes together. */
const CHANGES = 500;

/** Takes over what the watch reports. */
export function applyProcessEvents(state: DashboardState, events: readonly WatchEvent[], now: number): DashboardState {
  const changes: StateChange[] = [];
  // Of those that several events are about: what the event before said.
  const latest = new Map<string, ProcessInfo>();
  if (state.table.loaded && !state.table.incoming) {
    for (const event of events) {
      if (event.type === "added" || event.type === "modified") {
        const { id, run, state: to } = event.process;
        const before = latest.get(id) ?? state.table.processes.get(id);
        latest.set(id, event.process);
        if (before?.state !== to || before.run !== run) {
          changes.push({
            id,
            time: changeTime(event.process) ?? now,
            run,
            state: to,
            shown: shownState(event.process),
          });
        }
      }
    }
  }
  const table = applyWatchEvents(state.table, events);
  const { overlay } = state;
  const last = overlay?.kind === "details" ? (latest.get(overlay.id) ?? state.table.processes.get(overlay.id)) : null;
  return {
    ...state,
    table,
    overlay:
      overlay?.kind === "details" && overlay.full && last && !table.processes.has(overlay.id)
        ? { ...overlay, full: { ...last, spec: { ...last.spec, env: overlay.full.spec.env } } }
        : overlay,
    changes: changes.length > 0 ? [...state.changes, ...changes].slice(-CHANGES) : state.changes,
  };
}

/** When a process came into its state, in milliseconds since the epoch; undefined: it does not say. */
function changeTime({ state, startTime, exitTime }: ProcessInfo): number | undefined {
  return (state === "running" ? startTime : state === "exited" ? exitTime : undefined)?.getTime();
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
