import type { Command } from "../keys/keymap.ts";
import { only, type Update } from "./action.ts";
import { computeLayout } from "./layout.ts";
import { leaveFilter, logBack, toEnd, toSide, toStart } from "./log/log-commands.ts";
import { scrollLog } from "./log/log-scroll.ts";
import { afterLog } from "./log-slice.ts";
import type { DashboardState } from "./state.ts";
import { moveSelection, selectIndex, setFilter } from "./table/table.ts";

export type MoveCommand = Extract<
  Command,
  | "down"
  | "up"
  | "half-page-down"
  | "half-page-up"
  | "page-down"
  | "page-up"
  | "first"
  | "last"
  | "left"
  | "right"
  | "line-start"
  | "next-pane"
  | "previous-pane"
  | "pane-1"
  | "pane-2"
  | "open"
  | "back"
>;

/** Moves the selection or scrolls the log, whichever is in focus. */
function move(state: DashboardState, tableBy: (rows: number) => number, logBy: (rows: number) => number): Update {
  const layout = computeLayout(state);
  return only(
    state.focus === "table"
      ? { ...state, table: moveSelection(state.table, tableBy(Math.max(1, layout.tableRows))) }
      : { ...state, log: scrollLog(state.log, logBy(Math.max(1, layout.logSize.rows)), layout.logSize) },
  );
}

function half(rows: number): number {
  return Math.max(1, Math.floor(rows / 2));
}

/** Goes somewhere in the pane in focus, or to another pane. */
export function go(state: DashboardState, command: MoveCommand): Update {
  const { log, table } = state;
  switch (command) {
    case "down":
      return move(
        state,
        () => 1,
        () => 1,
      );
    case "up":
      return move(
        state,
        () => -1,
        () => -1,
      );
    case "half-page-down":
      return move(state, half, half);
    case "half-page-up":
      return move(
        state,
        (rows) => -half(rows),
        (rows) => -half(rows),
      );
    case "page-down":
      return move(
        state,
        (rows) => rows,
        (rows) => rows,
      );
    case "page-up":
      return move(
        state,
        (rows) => -rows,
        (rows) => -rows,
      );
    case "first":
      if (state.focus === "table") {
        return only({ ...state, table: selectIndex(table, 0) });
      }
      return afterLog(state, toStart(log));
    case "last":
      return state.focus === "table"
        ? only({ ...state, table: selectIndex(table, table.order.length - 1) })
        : afterLog(state, toEnd(log));
    case "left":
    case "right":
      return only(
        state.focus === "log"
          ? { ...state, log: toSide(log, command === "left" ? -1 : 1, computeLayout(state).logSize) }
          : state,
      );
    case "line-start":
      return only(state.focus === "log" ? { ...state, log: { ...log, column: 0 } } : state);
    case "next-pane":
    case "previous-pane":
      return only({ ...state, focus: state.focus === "table" ? "log" : "table" });
    case "pane-1":
      return only({ ...state, focus: "table" });
    case "pane-2":
      return only({ ...state, focus: "log" });
    case "open":
      return state.focus === "log" && log.filtered
        ? afterLog(state, leaveFilter(log, computeLayout(state).logSize))
        : only({ ...state, focus: "log" });
    case "back": {
      const less = logBack(log, state.focus === "log", computeLayout(state).logSize);
      if (less) {
        return afterLog(state, less);
      }
      if (state.focus === "log") {
        return only({ ...state, focus: "table" });
      }
      if (table.marks.size > 0) {
        return only({ ...state, table: { ...table, marks: new Set() } });
      }
      return only(state.zoom ? { ...state, zoom: false } : { ...state, table: setFilter(table, "") });
    }
  }
}
