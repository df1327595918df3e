import type { Command } from "../../keys/keymap.ts";
import { contains, following, type LogState, resume, setLogFilter, setPattern, setStreams } from "./log.ts";
import { currentLine, longestRow, visibleRows } from "./log-rows.ts";
import { bringIntoView, type LogSize, lineRows, pause, scrollLog } from "./log-scroll.ts";
import { searchOn } from "./log-search.ts";
import { type LogUpdate, onlyLog } from "./log-update.ts";
import { logLines } from "./log-view.ts";

export type LogCommand = Extract<
  Command,
  | "search-next"
  | "search-previous"
  | "more-context"
  | "less-context"
  | "follow"
  | "wrap"
  | "timestamps"
  | "streams"
  | "previous-run"
  | "next-line"
  | "previous-line"
>;

/** Columns that h and l scroll the log by. */
const COLUMN_STEP = 8;

/** What the log shows of the output, and how. `run` is the selected process's current one; undefined: none is selected. */
export function logCommand(log: LogState, command: LogCommand, size: LogSize, run: number | undefined): LogUpdate {
  switch (command) {
    case "search-next":
      return searchOn(log, false, size);
    case "search-previous":
      return searchOn(log, true, size);
    case "more-context":
    case "less-context": {
      if (!log.filtered) {
        return onlyLog(log);
      }
      const context = Math.max(0, Math.min(10, log.filtered.context + (command === "more-context" ? 1 : -1)));
      return onlyLog(context === log.filtered.context ? log : setLogFilter(log, log.filtered.pattern, context));
    }
    case "follow":
      return following(log) ? onlyLog(pause(log, size)) : toEnd(log);
    case "wrap":
      return onlyLog(wrap(log, size));
    case "timestamps":
      return onlyLog({ ...log, timestamps: !log.timestamps });
    case "streams": {
      const streams = log.streams === "all" ? "stdout" : log.streams === "stdout" ? "stderr" : "all";
      return onlyLog(setStreams(log, streams));
    }
    case "next-line":
    case "previous-line":
      return { ...onlyLog(point(log, command === "next-line" ? 1 : -1, size)), focuses: true };
    case "previous-run":
      return run === 1
        ? { ...onlyLog(log), notice: { level: "info", text: "There is no previous run" } }
        : onlyLog({ ...log, previous: run !== undefined && !log.previous });
  }
}

/** Points at the line after or before the current one, and pauses. The search goes on from there, too. */
function point(log: LogState, by: 1 | -1, size: LogSize): LogState {
  const visible = visibleRows(log, size);
  const current = currentLine(log, visible);
  const lines = logLines(log);
  const offset = current && (by > 0 ? current.next : lines.before(current.offset));
  const line = offset === undefined || offset === null ? null : lines.at(offset);
  if (!line) {
    return log;
  }
  const paused = pause(log, size);
  const isSeen = visible.some(({ line: { offset: seen } }) => seen === line.offset);
  const scrolled = isSeen ? paused : scrollLog(paused, by * lineRows(log, line, size.columns), size);
  return { ...scrolled, match: line.offset };
}

/** Wraps or not, with the match that the search stands on still in view. */
function wrap(log: LogState, size: LogSize): LogState {
  const next = { ...log, wrap: !log.wrap, column: 0, top: log.top && { ...log.top, row: 0 } };
  const onMatch = log.top !== null && visibleRows(log, size).some(({ line }) => line.offset === log.match);
  return onMatch && log.match !== null ? bringIntoView(next, log.match, size) : next;
}

/** To the newest output, and after it. */
export function toEnd(log: LogState): LogUpdate {
  return log.filtered || log.window.to >= log.next
    ? onlyLog(resume(log))
    : { ...onlyLog(resume(log)), effects: [{ type: "read-end" }] };
}

/** To the oldest output that is kept. */
export function toStart(log: LogState): LogUpdate {
  if (log.filtered) {
    return onlyLog({ ...log, top: { offset: log.filtered.lines[0]?.line.offset ?? 0, row: 0 } });
  }
  return log.window.from <= log.first
    ? onlyLog({ ...log, top: { offset: log.window.from, row: 0 } })
    : { ...onlyLog({ ...log, top: { offset: log.first, row: 0 } }), effects: [{ type: "read-start" }] };
}

/** Sideways, where lines are not wrapped; not beyond what is written there. */
export function toSide(log: LogState, by: 1 | -1, size: LogSize): LogState {
  if (log.wrap) {
    return log;
  }
  const most = Math.ceil(Math.max(0, longestRow(log, size) - size.columns) / COLUMN_STEP) * COLUMN_STEP;
  const column =
    by < 0 ? Math.max(0, log.column - COLUMN_STEP) : Math.max(log.column, Math.min(log.column + COLUMN_STEP, most));
  return { ...log, column };
}

/** From the lines that fit to all of them, around the one that is looked at. */
export function leaveFilter(log: LogState, size: LogSize): LogUpdate {
  const offset = currentLine(log, visibleRows(log, size))?.offset;
  const all = setLogFilter(log, null, 0);
  if (offset === undefined) {
    return onlyLog(all);
  }
  if (contains(all.window, offset)) {
    return onlyLog({ ...bringIntoView(all, offset, size), match: offset });
  }
  return { ...onlyLog({ ...all, top: { offset, row: 0 } }), effects: [{ type: "show-line", offset }] };
}

/** One step back within the log: ends the search under way, the filter, the pattern; null: nothing of it is on. */
export function logBack(log: LogState, focused: boolean, size: LogSize): LogUpdate | null {
  if (log.searching) {
    return { ...onlyLog({ ...log, searching: false }), effects: [{ type: "cancel-search" }] };
  }
  if (focused && log.filtered) {
    return following(log) ? onlyLog(setLogFilter(log, null, 0)) : leaveFilter(log, size);
  }
  return focused && log.pattern ? onlyLog(setPattern(log, null)) : null;
}
