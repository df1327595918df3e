import type { DashboardState } from "../state/state.ts";
import { bestFirst, largestFirst, type TableState } from "../state/table/table.ts";
import type { Grid, Rect } from "../terminal/grid.ts";
import { formatBytes, formatPercent, sparkline } from "../text/format.ts";
import type { Theme } from "../themes/themes.ts";
import { paintTitle } from "./title.ts";

/** From this width on there is room for what the selected process uses. */
const USAGE_WIDTH = 100;
/** Samples that are drawn. */
const SAMPLES = 16;

/** Which way the table is sorted: down from the largest, or up from the smallest. */
export function sortArrow(table: TableState): string {
  return largestFirst(table) ? "↓" : "↑";
}

/** Where the selection is: "3/13", with a filter "3/5 of 13". */
function position({ order, index, processes }: TableState): string {
  const place = order.length === 0 ? "0" : `${index + 1}/${order.length}`;
  return order.length === processes.size ? place : `${place} of ${processes.size}`;
}

/** From the least to the most, or a tenth of the most: growth is seen, and what is steady is a low line. */
function memorySparkline(values: readonly number[]): string {
  const least = Math.min(...values);
  return sparkline(values, least, least + Math.max(1, ...values) / 10);
}

/** What the selected process uses, and has used. */
function usageText({ history, table }: DashboardState): string {
  const usage = history.id === null ? undefined : table.usages.get(history.id);
  if (!usage || history.cpu.length < 2) {
    return "";
  }
  return (
    `cpu ${sparkline(history.cpu.slice(-SAMPLES), 0, 10)} ${formatPercent(usage.cpuPercent ?? 0).padStart(6)}` +
    `  mem ${memorySparkline(history.memory.slice(-SAMPLES))} ${formatBytes(usage.residentBytes).padStart(5)}`
  );
}

export function paintTableTitle(grid: Grid, rect: Rect, state: DashboardState, theme: Theme): void {
  const { table } = state;
  const parts = [
    position(table),
    bestFirst(table) ? "best match first" : `by ${table.sortKey} ${sortArrow(table)}`,
    ...(table.filter !== "" ? [`filter ${table.filter}`] : []),
    ...(table.marks.size > 0 ? [`${table.marks.size} marked`] : []),
  ];
  const right = rect.width >= USAGE_WIDTH ? usageText(state) : "";
  paintTitle(grid, rect, "Processes", parts, right, state.focus === "table", theme);
}
