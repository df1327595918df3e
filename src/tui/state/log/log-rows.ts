import { type StyledLine, wrapStarts } from "../../terminal/styled-line.ts";
import { contains, following, type LogState } from "./log.ts";
import { type FilteredLine, filteredIndex } from "./log-filter.ts";
import { lineText, styleLine } from "./log-pattern.ts";
import { isPartial, type LogSize, shownTop } from "./log-scroll.ts";
import { logLines } from "./log-view.ts";
import type { LogLine } from "./log-window.ts";

/** A row of the log pane: which cells of which line. */
export interface LogRow {
  readonly line: LogLine;
  readonly styled: StyledLine;
  /** Row of the line, with wrapping. */
  readonly row: number;
  /** Its cells: from the first to, not including, this one. */
  readonly from: number;
  readonly to: number;
  /** Set with a filter. */
  readonly filtered: FilteredLine | null;
}

/** Cells beyond the edge that are looked at, to know how far the pane can be scrolled. */
const BEYOND = 32;
/** The same while something is searched for: a match may reach over the edge. */
const BEYOND_WITH_PATTERN = 256;

/** The rows that are on the screen; none while what is looked at is still to be read. */
export function visibleRows(log: LogState, { rows, columns }: LogSize): readonly LogRow[] {
  const result: LogRow[] = [];
  if (!log.filtered && log.top !== null && !contains(log.window, log.top.offset)) {
    return result;
  }
  const lines = logLines(log);
  const width = Math.max(1, columns);
  const top = shownTop(log, { rows, columns });
  const beyond = log.pattern || log.filtered ? BEYOND_WITH_PATTERN : BEYOND;
  for (let line = lines.at(top.offset); line && result.length < rows; line = lines.at(line.next)) {
    // A place within a line that the filter leaves out says nothing about the next one.
    const first = line.offset === top.offset ? top.row : 0;
    // Of a line that is cut at the edge nobody sees the rest.
    const styled = styleLine(line, {
      enough: log.wrap ? undefined : log.column + width + beyond,
      partial: isPartial(log, line),
    });
    const starts = log.wrap ? wrapStarts(styled, width) : [log.column];
    const filtered = log.filtered?.lines[filteredIndex(log.filtered.lines, line.offset)] ?? null;
    for (let row = first; row < starts.length && result.length < rows; row++) {
      const from = starts[row] ?? 0;
      result.push({ line, styled, row, from, to: starts[row + 1] ?? from + width, filtered });
    }
  }
  return result;
}

/** The line that "y" copies: the match that the search stands on, else the last row when following, else the first. */
export function currentLine(log: LogState, visible: readonly LogRow[]): LogLine | undefined {
  const match = log.match === null ? undefined : visible.find(({ line }) => line.offset === log.match);
  return (match ?? (following(log) ? visible.at(-1) : visible[0]))?.line;
}

/** What "y" or "Y" copies. */
export function copiedText(log: LogState, size: LogSize, what: "line" | "view"): string {
  const visible = visibleRows(log, size);
  if (what === "line") {
    const line = currentLine(log, visible);
    return line ? lineText(line, isPartial(log, line)) : "";
  }
  return visible
    .filter(({ row, line }, i) => (row === 0 || i === 0) && !line.gap)
    .map(({ line }) => `${lineText(line, isPartial(log, line))}\n`)
    .join("");
}

/** Cells of the longest line on the screen; of those that go far beyond the edge, more than there is room for. */
export function longestRow(log: LogState, size: LogSize): number {
  return visibleRows(log, size).reduce((most, { styled }) => Math.max(most, styled.text.length), 0);
}
