import type { ProcessInfo } from "../../sdk/types.ts";
import { GUTTER_COLUMNS, TIMESTAMP_COLUMNS } from "../state/layout.ts";
import { following, type LogState, neededScan } from "../state/log/log.ts";
import { matchPlace } from "../state/log/log-matches.ts";
import { matchingCells } from "../state/log/log-pattern.ts";
import { currentLine, type LogRow, visibleRows } from "../state/log/log-rows.ts";
import { progress } from "../state/log/log-scroll.ts";
import { type DashboardState, shownTime } from "../state/state.ts";
import { processLabel, selectedProcess } from "../state/table/selection.ts";
import { restartsText, statusText, waitingSentence } from "../state/table/supervision-text.ts";
import type { Grid, Rect } from "../terminal/grid.ts";
import { BOLD, type Style } from "../terminal/style.ts";
import type { StyledLine } from "../terminal/styled-line.ts";
import { formatBytes, formatTime } from "../text/format.ts";
import type { Theme } from "../themes/themes.ts";
import { paintTitle } from "./title.ts";

/** The log pane: title and rows. */
export function paintLog(grid: Grid, rect: Rect, state: DashboardState, theme: Theme): void {
  const { log } = state;
  const focused = state.focus === "log";
  const process = selectedProcess(state.table);
  paintTitle(grid, rect, "Log", process ? titleParts(log, process) : [], titleEnds(state), focused, theme);
  const rows = rect.height - 1;
  if (rows < 1) {
    return;
  }
  const timestamps = log.timestamps ? TIMESTAMP_COLUMNS : 0;
  const width = Math.max(1, rect.width - GUTTER_COLUMNS - timestamps);
  const size = { rows, columns: width };
  const visible = visibleRows(log, size);
  if (visible.length === 0) {
    grid.write(
      rect.x + GUTTER_COLUMNS,
      rect.y + 1,
      process && !process.run ? notBegunText(process, shownTime(state)) : emptyText(log),
      theme.faint,
      width,
    );
    return;
  }
  const current = focused && !following(log) ? currentLine(log, visible) : undefined;
  for (const [i, row] of visible.entries()) {
    paintRow(grid, { x: rect.x, y: rect.y + 1 + i, width, height: 1 }, log, row, row.line === current, theme);
  }
}

function titleParts(log: LogState, process: ProcessInfo): string[] {
  const current = process.run?.number ?? 0;
  const run = log.target?.run ?? current;
  return [
    processLabel(process),
    ...(current > 1 ? [`run ${run}${log.previous ? ", the previous one" : ""}`] : []),
    ...(log.streams === "all" ? [] : [log.streams]),
    ...(log.wrap ? ["wrap"] : []),
    ...(!log.wrap && log.column > 0 ? [`from column ${log.column + 1}`] : []),
    ...(log.filtered
      ? [
          `filter ${log.filtered.pattern.text}`,
          `${log.filtered.matches} matching`,
          ...(log.filtered.context > 0 ? [`±${log.filtered.context}`] : []),
        ]
      : []),
    ...searchParts(log),
    ...(log.skimming ? ["too fast: showing the newest"] : []),
  ];
}

/** What is searched for, which way n goes, and which of how many matches the search stands on. */
function searchParts(log: LogState): string[] {
  const { pattern, found } = log;
  if (!pattern) {
    return [];
  }
  const arrow = log.direction === "forwards" ? "↓" : "↑";
  if (log.searching) {
    return [`search ${pattern.text} ${arrow}`, "… Esc ends it"];
  }
  // A filter keeps the newest of its lines only.
  const first = Math.max(log.first, log.filtered?.lines[0]?.line.offset ?? 0);
  const { place, count } = found ? matchPlace(found, first, log.match) : { place: 0, count: 0 };
  const unsure = found?.more || neededScan(log) !== null ? "+" : "";
  return [`search ${pattern.text} ${arrow}`, `${place === 0 ? "" : `${place}/`}${count}${unsure}`];
}

/** Why there is no run yet, and what it waits for. */
function notBegunText({ supervision }: ProcessInfo, now: number): string {
  const waits = supervision ? waitingSentence(supervision, now) : "";
  return waits === "" ? "Waiting for its first run" : `Waiting ${waits}`;
}

/** What comes after the end of its output, as far as is known: in a sentence, and in few words. */
function afterEnd({ log, table }: DashboardState, now: number): readonly string[] {
  const process = selectedProcess(table);
  if (!process?.supervision || log.target?.run !== process.run?.number) {
    return [];
  }
  if (process.state === "givenUp") {
    return [`given up, restarts ${restartsText(process.supervision)}`];
  }
  const waits = process.state === "waiting" ? waitingSentence(process.supervision, now) : "";
  return waits === "" ? [] : [`waiting ${waits}`, `waiting ${statusText(process, now)}`];
}

/** What is said at the end of the title, in the words that are best, and in fewer. */
function titleEnds(state: DashboardState): readonly string[] {
  const { log, connection } = state;
  if (!log.target) {
    return [];
  }
  if (following(log)) {
    const end = "end of output";
    return log.complete
      ? [...afterEnd(state, shownTime(state)).map((after) => `${end} · ${after}`), end]
      : [connection.phase === "disconnected" ? "disconnected" : "following"];
  }
  const place = `paused · ${Math.round(progress(log) * 100)}%`;
  return [log.newLines > 0 ? `${place} · ${log.newLines} new` : place];
}

/** Why there is nothing to see. */
function emptyText(log: LogState): string {
  if (!log.target) {
    return "";
  }
  if (log.gone) {
    return "Its output is no longer kept";
  }
  if (!log.opened) {
    return "Reading…";
  }
  if (log.shownBytes === 0) {
    return nothingWritten(log);
  }
  if (log.filtered) {
    return neededScan(log) === null ? "No line matches" : "Looking through the output…";
  }
  return log.top !== null || log.window.to < log.next ? "Reading…" : "None of its output is kept any more";
}

/** The streams that are shown have brought nothing: where to look instead. */
function nothingWritten({ streams, complete, countedTo }: LogState): string {
  if (streams === "all") {
    return complete ? "It wrote nothing" : "Nothing written yet";
  }
  const [own, other] =
    streams === "stdout" ? ["standard output", "standard error"] : ["standard error", "standard output"];
  const nothing = complete ? `It wrote nothing to ${own}` : `Nothing on ${own} yet`;
  return countedTo === 0 ? nothing : `${nothing} · ${formatBytes(countedTo)} on ${other}: e shows it`;
}

/** One row: signs for the line and its stream, its time, and its text in `rect.width` cells. */
function paintRow(grid: Grid, rect: Rect, log: LogState, shown: LogRow, current: boolean, theme: Theme): void {
  const { line, styled, row, from, to, filtered } = shown;
  const { y, width } = rect;
  if (line.gap) {
    const lost = `⋯ ${formatBytes(line.gap.to - line.gap.from)} of output no longer kept ⋯`;
    grid.write(rect.x + GUTTER_COLUMNS, y, lost, theme.warning, width);
    return;
  }
  const isStderr = line.stream === "stderr";
  if (row === 0 && current) {
    grid.put(rect.x, y, "▸", 1, theme.accent);
  } else if (row === 0 && filtered?.separated && (log.filtered?.context ?? 0) > 0) {
    grid.put(rect.x, y, "┈", 1, theme.faint);
  }
  if (isStderr) {
    grid.put(rect.x + 1, y, "│", 1, theme.stderr);
  }
  if (log.timestamps && row === 0) {
    grid.write(rect.x + GUTTER_COLUMNS, y, formatTime(line.time), theme.faint);
  }
  const x = rect.x + GUTTER_COLUMNS + (log.timestamps ? TIMESTAMP_COLUMNS : 0);
  // What is only around a match is faint, whatever color it chose: a dim color can hardly be read.
  const isContext = filtered !== null && !filtered.match;
  grid.writeLine(x, y, isContext ? faint(styled, theme) : isStderr ? tint(styled, theme.stderr) : styled, from, to);
  // A search within a filter looks for something else than the filter.
  const highlight = log.pattern ?? log.filtered?.pattern;
  if (highlight) {
    const style = line.offset === log.match ? theme.currentMatch : theme.match;
    for (const [first, end] of matchingCells(highlight, styled)) {
      paintCells(grid, x - from, y, styled, Math.max(first, from), Math.min(end, to), style);
    }
  }
  if (!log.wrap && styled.text.length > from + width) {
    grid.put(x + width - 1, y, "›", 1, theme.faint);
  }
  if (!log.wrap && from > 0 && styled.text.length > 0) {
    grid.put(x, y, "‹", 1, theme.faint);
  }
}

/** A line without the colors of its own. */
function faint(line: StyledLine, theme: Theme): StyledLine {
  return { text: line.text, style: line.style.map(() => theme.faint) };
}

/** Standard error in its own color, where the process did not choose one. */
function tint(line: StyledLine, style: Style): StyledLine {
  const plain: Style = { ...style, flags: style.flags & BOLD };
  return {
    text: line.text,
    style: line.style.map((own) => (own.fg === 0 && own.bg === 0 ? { ...plain, flags: plain.flags | own.flags } : own)),
  };
}

/** Cells of a line again, in another style. */
function paintCells(grid: Grid, x: number, y: number, line: StyledLine, from: number, to: number, style: Style): void {
  for (let cell = from; cell < to; cell++) {
    const grapheme = line.text[cell] ?? " ";
    if (grapheme !== "") {
      grid.put(x + cell, y, grapheme, line.text[cell + 1] === "" ? 2 : 1, style);
    }
  }
}
