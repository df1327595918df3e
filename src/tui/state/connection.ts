import { type Action, only, type Update } from "./action.ts";
import { openLog } from "./log/log.ts";
import type { DashboardState } from "./state.ts";
import { PersistentMap } from "./table/persistent-map.ts";
import { EMPTY_TABLE } from "./table/table.ts";
import { remember, withoutConnectionToasts } from "./toasts/toasts.ts";

/** How the connection stands; another daemon's processes are not this one's. */
export function connectionChanged(
  state: DashboardState,
  action: Extract<Action, { type: "connecting" | "connected" | "disconnected" }>,
): Update {
  switch (action.type) {
    case "connecting":
      return only({
        ...state,
        toasts: withoutConnectionToasts(state.toasts),
        connection: {
          ...state.connection,
          phase: "connecting",
          endpoint: action.endpoint,
          context: action.context,
          contextInUse: action.context || state.connection.contextInUse,
          hostname: "",
          version: "",
          pid: 0,
          error: "",
          lostAt: null,
        },
        table: { ...EMPTY_TABLE, sortKey: state.table.sortKey, reversed: state.table.reversed },
        log: openLog(state.log, null),
        trends: new PersistentMap(),
        clockOffset: 0,
        changes: [],
        overlay: null,
      });
    case "connected": {
      const { overlay } = state;
      return {
        state: {
          ...state,
          toasts: withoutConnectionToasts(state.toasts),
          connection: {
            ...state.connection,
            phase: "connected",
            hostname: action.info.hostname,
            version: action.info.version,
            pid: action.info.pid,
            error: "",
            attempt: 0,
            lostAt: null,
          },
        },
        // Details that were opened without a connection have not been read.
        effects: overlay?.kind === "details" && !overlay.full ? [{ type: "read-details", id: overlay.id }] : [],
      };
    }
    case "disconnected":
      return only({
        ...state,
        toasts:
          action.error === state.connection.error
            ? state.toasts
            : remember(state.toasts, { level: "error", text: action.error }, state.now),
        connection: {
          ...state.connection,
          phase: "disconnected",
          error: action.error,
          retryAt: action.retryAt,
          attempt: action.attempt,
          lostAt: state.connection.lostAt ?? state.now,
        },
      });
  }
}
