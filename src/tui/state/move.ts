import type { Command } from "../keys/keymap.ts";
import { only, type Update } from "./action.ts";
import { computeLayout } from "./layout.ts";
import { contains, following, setLogFilter } from "./log/log.ts";
import { toEnd } from "./log/log-commands.ts";
import { currentLine, longestRow, visibleRows } from "./log/log-rows.ts";
import { bringIntoView, scrollLog } from "./log/log-scroll.ts";
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

/** Columns that h and l scroll the log by. */
const COLUMN_STEP = 8;

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

/** Further to the right, but not beyond what is written there. */
function columnRight({ log, ...state }: DashboardState): number {
  const { logSize } = computeLayout({ ...state, log });
  const most = Math.max(0, longestRow(log, logSize) - logSize.columns);
  return Math.max(log.column, Math.min(log.column + COLUMN_STEP, Math.ceil(most / COLUMN_STEP) * COLUMN_STEP));
}

/** From the lines that fit to all of them, around the one that is looked at. */
function leaveFilter(state: DashboardState): Update {
  const { log } = state;
  const { logSize } = computeLayout(state);
  const offset = currentLine(log, visibleRows(log, logSize))?.offset;
  const all = setLogFilter(log, null, 0);
  if (offset === undefined) {
    return only({ ...state, log: all });
  }
  if (contains(all.window, offset)) {
    return only({ ...state, log: { ...bringIntoView(all, offset, logSize), match: offset } });
  }
  return { state: { ...state, log: { ...all, top: { offset, row: 0 } } }, effects: [{ type: "show-line", offset }] };
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
        return only({ ...state, log: { ...log, top: { offset: log.filtered.lines[0]?.line.offset ?? 0, row: 0 } } });
      }
      return log.window.from <= log.first
        ? only({ ...state, log: { ...log, top: { offset: log.window.from, row: 0 } } })
        : {
            state: { ...state, log: { ...log, top: { offset: log.first, row: 0 } } },
            effects: [{ type: "read-start" }],
          };
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
        state.focus === "log" && !log.wrap ? { ...state, log: { ...log, column: columnRight(state) } } : state,
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
      return state.focus === "log" && log.filtered ? leaveFilter(state) : only({ ...state, focus: "log" });
    case "back":
      if (log.searching) {
        return { state: { ...state, log: { ...log, searching: false } }, effects: [{ type: "cancel-search" }] };
      }
      if (state.focus === "log" && log.filtered) {
        return following(log) ? only({ ...state, log: setLogFilter(log, null, 0) }) : leaveFilter(state);
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
