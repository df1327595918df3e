import type { ProcessInfo, WatchEvent } from "../../sdk/types.ts";
import type { Action } from "./action.ts";
import { computeLayout } from "./layout.ts";
import type { DashboardState } from "./state.ts";
import { recordChanges } from "./table/state-changes.ts";
import { applyUsages, applyWatchEvents } from "./table/table-events.ts";
import { knownTrends, recordTrends } from "./table/trend.ts";

/** Up to so many living processes the trends of all are kept. */
const TREND_ALL = 500;
/** What the way of a sample may take without the clocks being taken for different ones. Milliseconds. */
const CLOCK_NOISE_MS = 500;

/** Takes over what the watch reports. */
export function applyProcessEvents(state: DashboardState, events: readonly WatchEvent[], now: number): DashboardState {
  const table = applyWatchEvents(state.table, events);
  return {
    ...state,
    table,
    trends:
      table.processes.size < state.table.processes.size || events.some(({ type }) => type === "removed")
        ? knownTrends(state.trends, (id) => table.processes.has(id))
        : state.trends,
    overlay: keepDetails(state, events, (id) => table.processes.has(id)),
    changes: recordChanges(state.changes, state.table, events, now + state.clockOffset),
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
  const { env, envBytes } = overlay.full.spec;
  return last ? { ...overlay, full: { ...last, spec: { ...last.spec, env, envBytes } } } : overlay;
}

/** The process in whose details a schedule or a queue may say something else by now; null: none. */
export function detailsToRead(before: DashboardState, { overlay, table }: DashboardState): string | null {
  if (overlay?.kind !== "details" || overlay.full === null) {
    return null;
  }
  const old = before.table.processes.get(overlay.id);
  const process = table.processes.get(overlay.id);
  if (!process || !old || (!process.supervision?.schedule && !process.spec.queue)) {
    return null;
  }
  const isSame =
    process.state === old.state &&
    process.run?.number === old.run?.number &&
    process.supervision?.queuePosition === old.supervision?.queuePosition &&
    process.supervision?.schedule === old.supervision?.schedule;
  return isSame ? null : overlay.id;
}

/** Takes over what processes use. */
export function applySample(
  state: DashboardState,
  { sample, details, more = false, now }: Extract<Action, { type: "usage" }>,
): DashboardState {
  if (details) {
    const usage = sample.usages[0] ?? null;
    return state.overlay?.kind === "details" && (!usage || usage.id === state.overlay.id)
      ? { ...state, overlay: { ...state.overlay, usage } }
      : state;
  }
  const time = sample.time.getTime();
  return {
    ...state,
    table: applyUsages(state.table, sample.usages, more),
    trends: recordTrends(state.trends, sample.usages, time, wantsTrend(state)),
    clockOffset: clockOffset(state, time, now),
  };
}

/** Whose trends are kept: of everything where that is little, else of what is in view. */
function wantsTrend(state: DashboardState): (id: string) => boolean {
  const { table } = state;
  if (table.counts.alive <= TREND_ALL) {
    return () => true;
  }
  const inView = new Set(table.order.slice(table.top, table.top + computeLayout(state).tableRows));
  return (id) => inView.has(id) || id === table.selected;
}

/** A daemon on this machine has this clock; of another the sample's time tells, about as exactly as it came fast. */
function clockOffset({ connection, clockOffset: before }: DashboardState, time: number, now: number): number {
  const offset = connection.endpoint.startsWith("unix:") ? 0 : time - now;
  return Math.abs(offset - before) < CLOCK_NOISE_MS ? before : offset;
}
