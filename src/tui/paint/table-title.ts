import type { DashboardState } from "../state/state.ts";
import { bestFirst, largestFirst, type TableState } from "../state/table/table.ts";
import { cpuTrendText, memoryTrendText } from "../state/table/trend.ts";
import type { Grid, Rect } from "../terminal/grid.ts";
import { textWidth } from "../terminal/wrap.ts";
import { formatBytes, formatPercent } from "../text/format.ts";
import type { Theme } from "../themes/themes.ts";
import { paintTitle } from "./title.ts";

/** Which way the table is sorted: down from the largest, or up from the smallest. */
export function sortArrow(table: TableState): string {
  return largestFirst(table) ? "↓" : "↑";
}

/** Where the selection is: "3/13", with a filter "3/5 of 13". */
function position({ order, index, processes }: TableState): string {
  const place = order.length === 0 ? "0" : `${index + 1}/${order.length}`;
  return order.length === processes.size ? place : `${place} of ${processes.size}`;
}

/** What the selected process uses, and has used over ten minutes, in as many cells as there is room for. */
function usageText({ trends, table }: DashboardState, room: number): string {
  const usage = table.selected === null ? undefined : table.usages.get(table.selected);
  const trend = table.selected === null ? undefined : trends.get(table.selected);
  if (!usage || !trend) {
    return "";
  }
  const cpu = formatPercent(usage.cpuPercent ?? 0).padStart(6);
  const memory = formatBytes(usage.residentBytes).padStart(5);
  // "cpu " and " mem " around them.
  const cells = Math.min(TREND_CELLS.most, Math.floor((room - cpu.length - memory.length - 12) / 2));
  if (cells >= TREND_CELLS.least) {
    return `cpu ${cpuTrendText(trend, cells)} ${cpu}  mem ${memoryTrendText(trend, cells)} ${memory}`;
  }
  const alone = Math.min(TREND_CELLS.least, room - cpu.length - 5);
  return alone >= 3 ? `cpu ${cpuTrendText(trend, alone)} ${cpu}` : "";
}

/** Cells for a trend. */
const TREND_CELLS = { least: 8, most: 16 };

export function paintTableTitle(grid: Grid, rect: Rect, state: DashboardState, theme: Theme): void {
  const { table } = state;
  const parts = [
    position(table),
    bestFirst(table) ? "best match first" : `by ${table.sortKey} ${sortArrow(table)}`,
    ...(table.filter !== "" ? [`filter ${table.filter}`] : []),
    ...(table.pinned !== null && table.processes.has(table.pinned) ? ["a new one besides"] : []),
    ...(table.marks.size > 0 ? [`${table.marks.size} marked`] : []),
  ];
  const used = parts.reduce((sum, part) => sum + textWidth(part) + 3, " Processes ".length + 4);
  // What the user has typed is worth more than a trend.
  const room = rect.width - used;
  const right = usageText(state, table.filter === "" ? Math.max(Math.floor(rect.width / 4), room) : room);
  paintTitle(grid, rect, "Processes", parts, [right], state.focus === "table", theme);
}
