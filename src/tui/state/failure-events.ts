import type { WatchEvent } from "../../sdk/types.ts";
import { only, type Update } from "./action.ts";
import { notify } from "./notify.ts";
import type { DashboardState } from "./state.ts";
import { newFailures, nextFailed } from "./table/failures.ts";
import { isOwn } from "./table/own-actions.ts";
import { selectId, setFilter, type TableState } from "./table/table.ts";

/** Failures that are remembered as not seen yet. */
const UNSEEN = 1000;

/** After events of the watch: what has failed, by nobody's wish here, is to be told. */
export function tellFailures(before: DashboardState, after: DashboardState, events: readonly WatchEvent[]): Update {
  const failed = newFailures(before.table, after.table, events).filter(
    ({ id, run }) => !isOwn(after.ownActions.get(id), run?.number ?? 0, after.now),
  );
  if (failed.length === 0) {
    return only(after);
  }
  const fresh = failed.map(({ id }) => id).filter((id) => id !== after.table.selected);
  const unseen = [...after.unseen.filter((id) => !fresh.includes(id)), ...fresh].slice(-UNSEEN);
  return { state: { ...after, unseen }, effects: [{ type: "tell-failures", processes: failed }] };
}

/** What is looked at has been seen; what is gone will not be. */
export function withoutSeen(unseen: readonly string[], { selected, processes }: TableState): readonly string[] {
  return unseen.some((id) => id === selected || !processes.has(id))
    ? unseen.filter((id) => id !== selected && processes.has(id))
    : unseen;
}

/** To the oldest failure that has not been seen, else to the next one in the table. */
export function goToFailure(state: DashboardState): DashboardState {
  const { table } = state;
  const id = state.unseen[0] ?? nextFailed(table);
  if (id === null) {
    const text = table.filter === "" ? "Nothing has failed" : "Nothing that the filter shows has failed";
    return notify(state, { level: "info", text });
  }
  return { ...state, table: selectId(table.order.includes(id) ? table : setFilter(table, ""), id) };
}
