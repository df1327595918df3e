import { GUTTER_COLUMNS, TIMESTAMP_COLUMNS } from "../store/layout.ts";
import {
  type FilteredLine,
  following,
  followTop,
  type LogPattern,
  type LogState,
  lineText,
  styleLine,
} from "../store/log.ts";
import { type LogLine, lineAt } from "../store/log-window.ts";
import { processLabel, selectedProcess } from "../store/selection.ts";
import type { DashboardState } from "../store/state.ts";
import type { Grid, Rect } from "../terminal/grid.ts";
import { BOLD, type Style } from "../terminal/style.ts";
import type { StyledLine } from "../terminal/styled-line.ts";
import type { Theme } from "../themes/themes.ts";
import { formatBytes, formatTime } from "./format.ts";
import { paintTitle } from "./title.ts";

/** A row of the log pane: which cells of which line. */
interface LogRow {
  readonly line: LogLine;
  readonly styled: StyledLine;
  /** Row of the line, with wrapping. */
  readonly row: number;
  /** Cells before it that are scrolled or wrapped away. */
  readonly from: number;
  readonly faint: boolean;
  readonly separated: boolean;
}

function* unfilteredLines(log: LogState, rows: number, width: number): Generator<{ line: LogLine; skip: number }> {
  const top = log.top ?? followTop(log, rows, width);
  let offset = top.offset;
  let skip = top.row;
  for (;;) {
    const line = lineAt(log.window, offset);
    if (!line) {
      return;
    }
    yield { line, skip };
    skip = 0;
    offset = line.next;
  }
}

function filteredStart(log: LogState, rows: number): number {
  const count = log.filtered?.lines.length ?? 0;
  return log.filteredTop ?? Math.max(0, count - rows);
}

/** The rows that are on the screen. */
export function visibleRows(log: LogState, rows: number, width: number): readonly LogRow[] {
  const result: LogRow[] = [];
  const add = (line: LogLine, skip: number, filtered: FilteredLine | null): boolean => {
    const styled = styleLine(line);
    const count = log.wrap ? Math.max(1, Math.ceil(styled.text.length / width)) : 1;
    for (let row = skip; row < count && result.length < rows; row++) {
      result.push({
        line,
        styled,
        row,
        from: log.wrap ? row * width : log.column,
        faint: filtered !== null && !filtered.match,
        separated: row === 0 && (filtered?.separated ?? false),
      });
    }
    return result.length < rows;
  };
  if (log.filtered) {
    const { lines } = log.filtered;
    for (let i = filteredStart(log, rows); i < lines.length; i++) {
      const filtered = lines[i];
      if (!filtered || !add(filtered.line, 0, filtered)) {
        break;
      }
    }
    return result;
  }
  for (const { line, skip } of unfilteredLines(log, rows, width)) {
    if (!add(line, skip, null)) {
      break;
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
export function copiedText(log: LogState, rows: number, width: number, what: "line" | "view"): string {
  const visible = visibleRows(log, rows, width);
  if (what === "line") {
    const line = currentLine(log, visible);
    return line ? lineText(line) : "";
  }
  return visible
    .filter(({ row, line }, i) => (row === 0 || i === 0) && !line.gap)
    .map(({ line }) => `${lineText(line)}\n`)
    .join("");
}

/** The log pane: title and rows. */
export function paintLog(grid: Grid, rect: Rect, state: DashboardState, theme: Theme): void {
  const { log } = state;
  const focused = state.focus === "log";
  const process = selectedProcess(state);
  const parts = [
    ...(process ? [processLabel(process)] : []),
    ...(process && process.run > 1 ? [`run ${process.run}`] : []),
    ...(log.streams === "all" ? [] : [log.streams]),
    ...(log.wrap ? ["wrap"] : []),
    ...(!log.wrap && log.column > 0 ? [`from column ${log.column + 1}`] : []),
    ...(log.pattern && !log.filtered ? [`search ${log.pattern.text}${log.searching ? " …" : ""}`] : []),
    ...(log.filtered
      ? [
          `filter ${log.filtered.pattern.text}`,
          `${log.filtered.matches} fit`,
          ...(log.filtered.context > 0 ? [`±${log.filtered.context}`] : []),
        ]
      : []),
    ...(log.skimming ? ["too fast: showing the newest"] : []),
  ];
  const right = !log.target
    ? ""
    : following(log)
      ? log.complete
        ? "end of output"
        : "following"
      : `paused${log.newLines > 0 ? ` · ${log.newLines} new` : ""}`;
  paintTitle(grid, rect, "Log", parts, right, focused, theme);
  const rows = rect.height - 1;
  if (rows < 1) {
    return;
  }
  const timestamps = log.timestamps ? TIMESTAMP_COLUMNS : 0;
  const width = Math.max(1, rect.width - GUTTER_COLUMNS - timestamps);
  const visible = visibleRows(log, rows, width);
  if (visible.length === 0) {
    const text = !log.target
      ? ""
      : log.filtered
        ? "No line fits"
        : !log.opened
          ? "Reading…"
          : log.complete
            ? "It wrote nothing"
            : "Nothing written yet";
    grid.write(rect.x + GUTTER_COLUMNS, rect.y + 1, text, theme.faint, width);
    return;
  }
  const current = focused && !following(log) ? currentLine(log, visible) : undefined;
  const highlight = log.filtered?.pattern ?? log.pattern;
  for (const [i, { line, styled, row, from, faint, separated }] of visible.entries()) {
    const y = rect.y + 1 + i;
    if (line.gap) {
      const lost = `⋯ ${formatBytes(line.gap.to - line.gap.from)} of output no longer kept ⋯`;
      grid.write(rect.x + GUTTER_COLUMNS, y, lost, theme.warning, width);
      continue;
    }
    const isStderr = line.stream === "stderr";
    const sign = line === current && row === 0 ? "▸" : separated ? "┈" : isStderr ? "│" : " ";
    grid.put(rect.x, y, sign, 1, sign === "▸" ? theme.accent : isStderr ? theme.stderr : theme.faint);
    if (timestamps > 0 && row === 0) {
      grid.write(rect.x + GUTTER_COLUMNS, y, formatTime(line.time), theme.faint);
    }
    const x = rect.x + GUTTER_COLUMNS + timestamps;
    grid.writeLine(x, y, isStderr ? tint(styled, theme.stderr) : styled, from, from + width);
    if (faint) {
      grid.addFlags({ x, y, width, height: 1 }, theme.faint.flags);
    }
    if (highlight) {
      paintMatches(
        grid,
        x,
        y,
        styled,
        from,
        width,
        highlight,
        line.offset === log.match ? theme.currentMatch : theme.match,
      );
    }
    if (!log.wrap && styled.text.length > from + width) {
      grid.put(x + width - 1, y, "›", 1, theme.faint);
    }
  }
}

/** Standard error in its own colour, where the process did not choose one. */
function tint(line: StyledLine, style: Style): StyledLine {
  const plain: Style = { ...style, flags: style.flags & BOLD };
  return {
    text: line.text,
    style: line.style.map((own) => (own.fg === 0 && own.bg === 0 ? { ...plain, flags: plain.flags | own.flags } : own)),
  };
}

function paintMatches(
  grid: Grid,
  x: number,
  y: number,
  line: StyledLine,
  from: number,
  width: number,
  pattern: LogPattern,
  style: Style,
): void {
  const text = line.text.join("");
  pattern.expression.lastIndex = 0;
  if (!pattern.expression.test(text)) {
    return;
  }
  // Which cell each character of the text is in.
  const cells: number[] = [];
  for (const [cell, grapheme] of line.text.entries()) {
    for (let i = 0; i < grapheme.length; i++) {
      cells.push(cell);
    }
  }
  pattern.expression.lastIndex = 0;
  for (const match of text.matchAll(pattern.expression)) {
    if (match[0] === "") {
      continue;
    }
    const first = cells[match.index] ?? 0;
    const last = cells[match.index + match[0].length - 1] ?? first;
    for (let cell = Math.max(first, from); cell <= last && cell < from + width; cell++) {
      const grapheme = line.text[cell] ?? " ";
      if (grapheme !== "") {
        grid.put(x + cell - from, y, grapheme, line.text[cell + 1] === "" ? 2 : 1, style);
      }
    }
  }
}
