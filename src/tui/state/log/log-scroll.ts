import { wrapStarts } from "../../terminal/styled-line.ts";
import { contains, following, type LogPosition, type LogState, resume } from "./log.ts";
import { matchingCells, styleLine } from "./log-pattern.ts";
import { logLines } from "./log-view.ts";
import type { LogLine } from "./log-window.ts";

/** The size of the pane's body, in cells. */
export interface LogSize {
  readonly rows: number;
  readonly columns: number;
}

/** Whether the end of a line may still be on its way. */
export function isPartial(log: LogState, line: LogLine): boolean {
  return !line.newline && !(log.complete && line.next >= log.next);
}

/** Rows that a line takes. */
export function lineRows(log: LogState, line: LogLine, columns: number): number {
  if (!log.wrap || line.gap) {
    return 1;
  }
  return wrapStarts(styleLine(line, { partial: isPartial(log, line) }), Math.max(1, columns)).length;
}

/** The top of a pane that shows the end. */
function endTop(log: LogState, { rows, columns }: LogSize): LogPosition {
  const lines = logLines(log);
  let offset = lines.end;
  let left = rows;
  while (left > 0) {
    const start = lines.before(offset);
    if (start === null) {
      break;
    }
    offset = start;
    const line = log.wrap ? lines.at(start) : null;
    const needed = line ? lineRows(log, line, columns) : 1;
    if (needed > left) {
      return { offset, row: needed - left };
    }
    left -= needed;
  }
  return { offset, row: 0 };
}

/** What is at the top of the pane. */
export function shownTop(log: LogState, size: LogSize): LogPosition {
  const { top } = log;
  if (top === null || log.filtered) {
    // The lines that a filter lets through may all be above the place: the last ones are shown.
    const end = endTop(log, size);
    return top === null || top.offset > end.offset || (top.offset === end.offset && top.row > end.row) ? end : top;
  }
  return top;
}

/**
 * Scrolls by rows, negative: up. Up pauses following; down to the end takes it
 * up again.
 */
export function scrollLog(log: LogState, by: number, size: LogSize): LogState {
  if (!log.filtered && log.top !== null && !contains(log.window, log.top.offset)) {
    // The lines around the place are still to be read.
    return log;
  }
  const lines = logLines(log);
  const bottom = endTop(log, size);
  let { offset, row } = shownTop(log, size);
  if (log.filtered) {
    // The place may be that of a line that the filter leaves out.
    offset = lines.at(offset)?.offset ?? lines.end;
  }
  for (let left = by; left < 0; ) {
    if (row > 0) {
      const step = Math.min(row, -left);
      row -= step;
      left += step;
      continue;
    }
    const start = lines.before(offset);
    if (start === null) {
      break;
    }
    offset = start;
    const line = lines.at(start);
    row = line ? lineRows(log, line, size.columns) : 1;
  }
  for (let left = by; left > 0; ) {
    const line = lines.at(offset);
    if (!line) {
      break;
    }
    const room = lineRows(log, line, size.columns) - row - 1;
    if (room >= left) {
      row += left;
      break;
    }
    left -= room + 1;
    offset = line.next;
    row = 0;
  }
  const atEnd = offset > bottom.offset || (offset === bottom.offset && row >= bottom.row);
  if (atEnd && by < 0 && following(log) && (log.filtered || log.window.from <= log.first)) {
    // All there is is on the screen.
    return log;
  }
  if (atEnd && by > 0 && (log.filtered || log.window.to >= log.next)) {
    return resume(log);
  }
  return { ...log, top: atEnd ? bottom : { offset, row } };
}

/** Pauses where it is. */
export function pause(log: LogState, size: LogSize): LogState {
  return following(log) ? { ...log, top: endTop(log, size) } : log;
}

/** Goes to a line, or to where in it the pattern fits, with some rows above it so that it can be read in its place. */
export function bringIntoView(log: LogState, offset: number, size: LogSize): LogState {
  const line = logLines(log).at(offset);
  const styled = line && !line.gap && log.pattern ? styleLine(line, { partial: isPartial(log, line) }) : null;
  const [cells] = styled && log.pattern ? matchingCells(log.pattern, styled) : [];
  const [first, end] = cells ?? [0, 0];
  const columns = Math.max(1, size.columns);
  const row = log.wrap && styled ? wrapStarts(styled, columns).findLastIndex((start) => start <= first) : 0;
  const hidden = first < log.column || end > log.column + columns;
  const column = log.wrap ? 0 : hidden ? (end <= columns ? 0 : Math.max(0, first - (columns >> 1))) : log.column;
  return scrollLog({ ...log, column, top: { offset, row } }, -Math.floor(size.rows / 3), size);
}

/** How far the top of the pane is through what is kept, 0 to 1. */
export function progress(log: LogState): number {
  const kept = log.next - log.first;
  return log.top === null || kept <= 0 ? 1 : Math.max(0, Math.min(1, (log.top.offset - log.first) / kept));
}
