import type { Command } from "../keys/keymap.ts";
import { only, type Update } from "./action.ts";
import { computeLayout } from "./layout.ts";
import { scrollLog, setLogFilter } from "./log.ts";
import { toEnd } from "./log-commands.ts";
import type { DashboardState } from "./state.ts";
import { moveSelection, selectIndex, setFilter } from "./table.ts";

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
  | "next-pane"
  | "previous-pane"
  | "pane-1"
  | "pane-2"
  | "open"
  | "back"
>;

/** Columns that h and l scroll the log by. */
const COLUMN_STEP = 8;

/** Moves the selection or scrolls the log, whichever is in focus. */
function move(state: DashboardState, tableBy: (rows: number) => number, logBy: (rows: number) => number): Update {
  const layout = computeLayout(state);
  return only(
    state.focus === "table"
      ? { ...state, table: moveSelection(state.table, tableBy(Math.max(1, layout.tableRows))) }
      : { ...state, log: scrollLog(state.log, logBy(Math.max(1, layout.logRows)), layout.logRows, layout.logColumns) },
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
      if (log.filtered) {
        return only({ ...state, log: { ...log, filteredTop: 0 } });
      }
      return log.window.from <= log.first
        ? only({ ...state, log: { ...log, top: { offset: log.window.from, row: 0 } } })
        : { state, effects: [{ type: "read-start" }] };
    case "last":
      return state.focus === "table"
        ? only({ ...state, table: selectIndex(table, table.order.length - 1) })
        : toEnd(state);
    case "left":
      return only(
        state.focus === "log" && !log.wrap
          ? { ...state, log: { ...log, column: Math.max(0, log.column - COLUMN_STEP) } }
          : state,
      );
    case "right":
      return only(
        state.focus === "log" && !log.wrap ? { ...state, log: { ...log, column: log.column + COLUMN_STEP } } : state,
      );
    case "next-pane":
    case "previous-pane":
      return only({ ...state, focus: state.focus === "table" ? "log" : "table" });
    case "pane-1":
      return only({ ...state, focus: "table" });
    case "pane-2":
    case "open":
      return only({ ...state, focus: "log" });
    case "back":
      if (state.focus === "log" && log.filtered) {
        return only({ ...state, log: setLogFilter(log, null, 0) });
      }
      if (state.focus === "log" && log.pattern) {
        return only({ ...state, log: { ...log, pattern: null, match: null } });
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
