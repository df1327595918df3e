import type { ProcessInfo } from "../../sdk/types.ts";
import { computeLayout, connectionErrorLines, tableWidth } from "../state/layout.ts";
import { type DashboardState, shownTime } from "../state/state.ts";
import { type Column, columnsLeftOut, fittingColumns } from "../state/table/columns.ts";
import { filterError } from "../state/table/process-filter.ts";
import { lastRunFailed, shownState } from "../state/table/process-outcome.ts";
import type { Grid, Rect } from "../terminal/grid.ts";
import { DIM, type Style } from "../terminal/style.ts";
import { wrapText } from "../terminal/wrap.ts";
import type { Theme } from "../themes/themes.ts";
import { paintScrollbar } from "./scrollbar.ts";
import { paintTableTitle, sortArrow } from "./table-title.ts";

/** The process table: title, column names, rows. */
export function paintTable(grid: Grid, rect: Rect, state: DashboardState, theme: Theme): void {
  paintTableTitle(grid, rect, state, theme);
  if (rect.height < 2) {
    return;
  }
  const area = { x: rect.x, y: rect.y + 2, width: tableWidth(rect), height: rect.height - 2 };
  const columns = fittingColumns(
    area.width,
    columnsLeftOut(state.hiddenColumns, state.table.counts),
    state.table.sortKey,
  );
  paintColumnTitles(grid, rect, columns, state, theme);
  const { order, top } = state.table;
  if (order.length === 0) {
    paintEmpty(grid, rect, state, theme);
    return;
  }
  for (let index = top; index < Math.min(order.length, top + area.height); index++) {
    const process = state.table.processes.get(order[index] ?? "");
    if (process) {
      const row = { ...area, y: area.y + index - top, height: 1 };
      paintRow(grid, row, columns, process, index === state.table.index, state, theme);
    }
  }
  if (area.width < rect.width) {
    paintScrollbar(grid, { ...area, x: rect.x + area.width, width: 1 }, order.length, top, theme);
  }
}

function paintColumnTitles(
  grid: Grid,
  rect: Rect,
  columns: readonly Column[],
  { table }: DashboardState,
  theme: Theme,
): void {
  for (const column of columns) {
    const sorted = column.sort === table.sortKey;
    const title = `${column.title}${sorted ? sortArrow(table) : ""}`;
    const text = column.right ? title.padStart(column.width) : title;
    grid.write(rect.x + column.x, rect.y + 1, text, sorted ? theme.strong : theme.faint, column.width);
  }
}

function paintRow(
  grid: Grid,
  rect: Rect,
  columns: readonly Column[],
  process: ProcessInfo,
  selected: boolean,
  state: DashboardState,
  theme: Theme,
): void {
  const row = selected ? (state.focus === "table" ? theme.selected : theme.selectedFaint) : null;
  if (row) {
    grid.clear(rect, row);
  }
  const style = (own: Style): Style => (row ? { ...own, flags: own.flags | row.flags } : own);
  if (state.table.marks.has(process.id)) {
    grid.write(rect.x, rect.y, "▌", style(theme.mark));
  }
  const context = {
    usage: process.run?.treeAlive ? state.table.usages.get(process.id) : undefined,
    trend: state.trends.get(process.id),
    now: shownTime(state),
    exitShown: columns.some(({ key }) => key === "exit"),
  };
  for (const column of columns) {
    const text = column.text(process, context, column.width);
    const own = cellStyle(column, process, theme);
    // On the selected row what is dim would be hard to read; what has a color keeps it.
    const shown = row ? { ...own, flags: own.flags & ~DIM } : own;
    grid.write(
      rect.x + column.x,
      rect.y,
      column.right ? text.padStart(column.width) : text,
      style(shown),
      column.width,
    );
  }
}

function cellStyle({ look }: Column, process: ProcessInfo, theme: Theme): Style {
  switch (look) {
    case "state":
      return theme.states[shownState(process)];
    case "exit":
      return shownState(process) === "failed" || lastRunFailed(process) ? theme.bad : theme.text;
    case "health":
      return healthStyle(process, theme);
    case "faint":
      return theme.faint;
    case "plain":
      return theme.text;
  }
}

function healthStyle({ supervision }: ProcessInfo, theme: Theme): Style {
  const { readiness, health } = supervision ?? {};
  return health === "unhealthy" ? theme.bad : readiness === "notReady" ? theme.warning : theme.good;
}

/** Where text begins that is no row: as the first column does. */
const MARK_COLUMNS = 2;

function paintEmpty(grid: Grid, rect: Rect, state: DashboardState, theme: Theme): void {
  const { table, connection } = state;
  const error = filterError(table.filter);
  const lines =
    table.processes.size > 0
      ? [error ? `The filter is ${error}` : `No process matches "${table.filter}"`, "Esc clears the filter"]
      : !table.loaded
        ? connection.phase === "disconnected"
          ? unseenError(state, rect.width - MARK_COLUMNS)
          : ["Connecting…"]
        : ["No processes yet", "Press s to start one, or in a shell:  pm start -- COMMAND"];
  for (const [i, line] of lines.slice(0, Math.max(0, rect.height - 3)).entries()) {
    grid.write(
      rect.x + MARK_COLUMNS,
      rect.y + 3 + i,
      line,
      i === 0 ? theme.text : theme.faint,
      rect.width - MARK_COLUMNS,
    );
  }
}

/** What is wrong with the connection, where the header has not had the room to say it. */
function unseenError(state: DashboardState, width: number): readonly string[] {
  const seen = computeLayout(state).header.height - 1;
  const { connection, columns } = state;
  return connectionErrorLines(connection, columns).length > seen ? wrapText(connection.error, width) : [];
}
