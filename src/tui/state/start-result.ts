import type { Action } from "./action.ts";
import { notify } from "./notify.ts";
import type { DashboardState } from "./state.ts";
import { processLabel } from "./table/selection.ts";
import { pin, selectId, setFilter } from "./table/table.ts";
import { applyWatchEvents } from "./table/table-events.ts";
import { type Notice, remember } from "./toasts/toasts.ts";

/** What came of a start form. It may have been left before the response came, and another one opened. */
export function startResult(
  state: DashboardState,
  action: Extract<Action, { type: "started" | "start-failed" }>,
): DashboardState {
  const { overlay } = state;
  const form = overlay?.kind === "start" && overlay.waiting === action.submission ? overlay : null;
  if (action.type === "started") {
    const { id } = action.process;
    // The watch may have been faster, and know more.
    const table = state.table.processes.has(id)
      ? state.table
      : applyWatchEvents(state.table, [{ type: "added", process: action.process }]);
    const next = { ...state, overlay: form ? null : overlay };
    const text = `Started ${processLabel(action.process)}`;
    const isShown = table.order.includes(id);
    if (!isShown && state.prompt?.kind === "filter") {
      // The filter that is being typed is left to whoever types it: the next key of it chooses again.
      const notice = { level: "info", text: `${text}; it is shown although the filter does not match it` } as const;
      return notify({ ...next, table: pin(table, id) }, notice, action.now);
    }
    return notify(
      { ...next, table: selectId(isShown ? table : setFilter(table, ""), id) },
      { level: "info", text: isShown ? text : `${text}; the filter is cleared` },
      action.now,
    );
  }
  const notice: Notice = { level: "error", text: `Not started: ${action.error}` };
  return form
    ? {
        ...state,
        toasts: remember(state.toasts, notice, state.now),
        overlay: { ...form, error: action.error, scroll: 0, waiting: null },
      }
    : notify(state, notice);
}
