import { computeLayout, connectionErrorLines } from "../store/layout.ts";
import { filterError } from "../store/process-filter.ts";
import type { DashboardState } from "../store/state.ts";
import { largestFirst } from "../store/table.ts";
import type { Grid, Rect } from "../terminal/grid.ts";
import { INVERSE, type Style } from "../terminal/style.ts";
import { wrapText } from "../terminal/wrap.ts";
import type { Theme } from "../themes/themes.ts";
import { cellText, fittingColumns, MARK_COLUMNS } from "./columns.ts";
import { formatBytes, formatPercent, sparkline } from "./format.ts";
import { paintTitle } from "./title.ts";

/** The process table: title, column names, rows. */
export function paintTable(grid: Grid, rect: Rect, state: DashboardState, theme: Theme): void {
  const { table } = state;
  const focused = state.focus === "table";
  const count = table.order.length;
  const total = table.processes.size;
  const arrow = largestFirst(table) ? "↓" : "↑";
  const parts = [
    count === total ? `${total}` : `${count} of ${total}`,
    `by ${table.sortKey} ${arrow}`,
    ...(table.filter !== "" ? [`filter ${table.filter}`] : []),
    ...(table.marks.size > 0 ? [`${table.marks.size} marked`] : []),
  ];
  const { history } = state;
  const usage = history.id === null ? undefined : table.usages.get(history.id);
  const right =
    usage && history.cpu.length > 1 && rect.width >= 100
      ? `cpu ${sparkline(history.cpu.slice(-16), 0, 10)} ${formatPercent(usage.cpuPercent ?? 0).padStart(6)}` +
        `  mem ${memorySparkline(history.memory.slice(-16))} ${formatBytes(usage.residentBytes).padStart(5)}`
      : "";
  paintTitle(grid, rect, "Processes", parts, right, focused, theme);
  if (rect.height < 2) {
    return;
  }
  const columns = fittingColumns(rect.width);
  let x = rect.x + MARK_COLUMNS;
  for (const column of columns) {
    const sorted = column.sort === table.sortKey;
    const title = `${column.title}${sorted ? arrow : ""}`;
    const text = column.right ? title.padStart(column.width) : title;
    grid.write(x, rect.y + 1, text, sorted ? theme.strong : theme.faint, column.width);
    x += column.width + 1;
  }
  const rows = rect.height - 2;
  if (count === 0) {
    paintEmpty(grid, rect, state, theme);
    return;
  }
  const end = Math.min(count, table.top + rows);
  for (let index = table.top; index < end; index++) {
    const process = table.processes.get(table.order[index] ?? "");
    if (!process) {
      continue;
    }
    const y = rect.y + 2 + index - table.top;
    const selected = index === table.index;
    const row = selected ? (focused ? theme.selected : theme.selectedFaint) : null;
    if (row) {
      grid.clear({ x: rect.x, y, width: rect.width, height: 1 }, row);
    }
    const style = (own: Style): Style => (row ? { ...own, flags: own.flags | row.flags } : own);
    if (table.marks.has(process.id)) {
      grid.write(rect.x, y, "▌", style(theme.mark));
    }
    x = rect.x + MARK_COLUMNS;
    for (const column of columns) {
      const text = cellText(column, process, state);
      const own =
        column.key === "state"
          ? theme.states[process.state]
          : column.key === "exit" && text !== "" && text !== "0"
            ? theme.bad
            : column.key === "name"
              ? theme.text
              : column.key === "id" || column.key === "command"
                ? theme.faint
                : theme.text;
      // On the inverted row dim text and colours would be hard to read.
      const shown = row && (row.flags & INVERSE) !== 0 ? theme.text : own;
      grid.write(x, y, column.right ? text.padStart(column.width) : text, style(shown), column.width);
      x += column.width + 1;
    }
  }
}

/** From the least to the most, or a tenth of the most: growth is seen, and what is steady is a low line. */
function memorySparkline(values: readonly number[]): string {
  const least = Math.min(...values);
  return sparkline(values, least, least + Math.max(1, ...values) / 10);
}

function paintEmpty(grid: Grid, rect: Rect, state: DashboardState, theme: Theme): void {
  const { table, connection } = state;
  const error = filterError(table.filter);
  const lines =
    table.processes.size > 0
      ? [error ? `The filter is ${error}` : `No process fits "${table.filter}"`, "Esc clears the filter"]
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
