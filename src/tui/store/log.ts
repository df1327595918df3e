import type { OutputInfo, OutputStreamName } from "../../sdk/types.ts";
import { parseLine, type StyledLine } from "../terminal/styled-line.ts";
import {
  appendWindow,
  EMPTY_WINDOW,
  type LogLine,
  type LogWindow,
  lineAt,
  prependWindow,
  previousLine,
} from "./log-window.ts";

export type LogStreams = "all" | "stdout" | "stderr";

/** What is searched for: text, or with a leading "~" a regular expression; capitals make it case-sensitive. */
export interface LogPattern {
  readonly text: string;
  readonly expression: RegExp;
}

/** The place at the top of the pane: a line and how many of its rows are above it (with wrapping). */
export interface LogPosition {
  readonly offset: number;
  readonly row: number;
}

/** Lines that fit the pane's filter, with their context. */
export interface FilteredLog {
  readonly pattern: LogPattern;
  /** Lines shown before and after one that fits. */
  readonly context: number;
  readonly lines: readonly FilteredLine[];
  /** How many lines fit so far, those that are no longer kept included. */
  readonly matches: number;
  /** Up to where the output has been looked through. */
  readonly to: number;
  /** Lines before a match that may come: the last `context` ones that do not fit. */
  readonly before: readonly LogLine[];
  /** How many lines after the last match are still to be shown. */
  readonly after: number;
}

export interface FilteredLine {
  readonly line: LogLine;
  readonly match: boolean;
  /** Whether lines between it and the one before are left out. */
  readonly separated: boolean;
}

/** The log pane. */
export interface LogState {
  /** The process and run on view. */
  readonly target: { readonly id: string; readonly run: number } | null;
  readonly streams: LogStreams;
  readonly window: LogWindow;
  /** Offsets that the daemon keeps, as far as known. */
  readonly first: number;
  readonly next: number;
  /** Whether no more output can come. */
  readonly complete: boolean;
  /** Whether the stream has said anything yet. */
  readonly opened: boolean;
  /** Null: the end is followed. */
  readonly top: LogPosition | null;
  /** Lines that came since following was paused. */
  readonly newLines: number;
  readonly wrap: boolean;
  readonly timestamps: boolean;
  /** Columns scrolled to the right. */
  readonly column: number;
  readonly pattern: LogPattern | null;
  /** The line that the search stands on. */
  readonly match: number | null;
  readonly searching: boolean;
  readonly filtered: FilteredLog | null;
  /** Index into `filtered.lines` at the top of the pane; null: the end is followed. */
  readonly filteredTop: number | null;
  /** Whether output comes too fast to take all of it: only the newest is read. */
  readonly skimming: boolean;
}

export const EMPTY_LOG: LogState = {
  target: null,
  streams: "all",
  window: EMPTY_WINDOW,
  first: 0,
  next: 0,
  complete: false,
  opened: false,
  top: null,
  newLines: 0,
  wrap: false,
  timestamps: false,
  column: 0,
  pattern: null,
  match: null,
  searching: false,
  filtered: null,
  filteredTop: null,
  skimming: false,
};

/** Lines and bytes that a filter keeps; the oldest give way. */
const FILTERED_LINES = 5000;
const FILTERED_BYTES = 4 << 20;

const decoder = new TextDecoder("utf-8");

/** Compiles what was typed; null if it is empty or not (yet) a regular expression. */
export function logPattern(text: string): LogPattern | null {
  const isExpression = text.startsWith("~");
  const body = isExpression ? text.slice(1) : text;
  if (body === "") {
    return null;
  }
  const flags = /\p{Lu}/u.test(body) ? "gu" : "giu";
  try {
    return { text, expression: new RegExp(isExpression ? body : body.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), flags) };
  } catch {
    return null;
  }
}

/** The line's text as cells. */
export function styleLine(line: LogLine): StyledLine {
  const end = line.data.length > 0 && line.data[line.data.length - 1] === 13 ? line.data.length - 1 : line.data.length;
  return parseLine(decoder.decode(end === line.data.length ? line.data : line.data.subarray(0, end)));
}

/** The line's text alone, as searches see it. */
export function lineText(line: LogLine): string {
  const text = decoder.decode(line.data);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return /[\x00-\x1f\x7f-\x9f]/.test(text) ? parseLine(text).text.join("") : text;
}

export function matches(pattern: LogPattern, line: LogLine): boolean {
  pattern.expression.lastIndex = 0;
  return !line.gap && pattern.expression.test(lineText(line));
}

/** Shows another process or run, from its end on. View settings and the pattern stay. */
export function openLog(log: LogState, target: LogState["target"]): LogState {
  return {
    ...EMPTY_LOG,
    target,
    streams: log.streams,
    wrap: log.wrap,
    timestamps: log.timestamps,
    pattern: log.pattern,
    filtered: log.filtered ? emptyFilter(log.filtered.pattern, log.filtered.context) : null,
  };
}

/** The streams that the daemon is asked for; undefined: all. */
export function wantedStreams(streams: LogStreams): readonly OutputStreamName[] | undefined {
  return streams === "all" ? undefined : streams === "stdout" ? ["stdout", "tty"] : ["stderr"];
}

function emptyFilter(pattern: LogPattern, context: number): FilteredLog {
  return { pattern, context, lines: [], matches: 0, to: 0, before: [], after: 0 };
}

function countLines(window: LogWindow, from: number): number {
  let count = 0;
  for (const item of window.items) {
    if (item.kind === "data" && item.end > from) {
      for (let at = item.data.indexOf(10); at >= 0; at = item.data.indexOf(10, at + 1)) {
        count++;
      }
    }
  }
  return count;
}

/** Output that came live. `more` begins where the live output before it ended. */
export function appendLive(log: LogState, more: LogWindow, complete: boolean): LogState {
  let next: LogState = {
    ...log,
    opened: true,
    next: Math.max(log.next, more.to),
    complete: log.complete || complete,
    newLines: following(log) ? 0 : log.newLines + countLines(more, log.next),
  };
  const { window } = log;
  if (window.items.length === 0 && window.to <= more.from) {
    next = { ...next, window: more };
  } else if (log.top === null || window.bytes + more.bytes <= WINDOW_ROOM) {
    next = { ...next, window: more.from > window.to && log.top === null ? more : appendWindow(window, more) };
  }
  return catchUp(next);
}

/** From where the filter needs output that is not at hand; null: it is up to date or will be with the live output. */
export function neededScan(log: LogState): number | null {
  const { filtered, window, next, first } = log;
  if (!log.target || !log.opened || !filtered) {
    return null;
  }
  const to = Math.max(filtered.to, first);
  // What is at hand has been looked through; only its last line may wait for more, which comes live if it is the newest.
  return to < next && (to < window.from || window.to < next) ? to : null;
}

/** Takes over what a scan for the filter read. */
export function mergeScan(log: LogState, read: LogWindow, output: OutputInfo): LogState {
  if (!log.filtered) {
    return log;
  }
  const ended = output.complete && read.to >= output.nextOffset;
  // What was evicted before it could be looked at is skipped.
  const filtered = { ...log.filtered, to: Math.max(log.filtered.to, read.from) };
  const scanned = filterOn(filtered, read, ended);
  // A line longer than a read: go on after it rather than read it for ever.
  const stuck = scanned.to === filtered.to && read.to > filtered.to && read.to < output.nextOffset;
  return catchUp({
    ...log,
    first: Math.max(log.first, output.firstOffset),
    next: Math.max(log.next, output.nextOffset),
    filtered: stuck ? { ...scanned, to: read.to } : scanned,
  });
}

/** Above this a paused pane takes no more live output, or what is looked at would give way to it. */
const WINDOW_ROOM = 1 << 20;

/** Takes a window over that was read because the view came near the edge of what there is at hand. */
export function mergeRead(log: LogState, read: LogWindow, output: OutputInfo): LogState {
  const next: LogState = {
    ...log,
    first: Math.max(log.first, output.firstOffset),
    next: Math.max(log.next, output.nextOffset),
    complete: output.complete,
  };
  const { window } = log;
  if (read.to === window.from || (read.from < window.from && read.to >= window.from)) {
    return { ...next, window: prependWindow(window, read) };
  }
  if (read.from <= window.to && read.to > window.to) {
    return { ...next, window: appendWindow(window, read) };
  }
  return next;
}

/** Replaces the window and goes to a place in it. */
export function jumpTo(log: LogState, read: LogWindow, output: OutputInfo, position: LogPosition | null): LogState {
  return {
    ...log,
    window: read,
    first: Math.max(log.first, output.firstOffset),
    next: Math.max(log.next, output.nextOffset),
    complete: output.complete,
    top: position,
    newLines: position === null ? 0 : log.newLines,
  };
}

/** Whether the end is followed. */
export function following(log: LogState): boolean {
  return log.filtered ? log.filteredTop === null : log.top === null;
}

/** Begins, changes or (null) ends the filter. Looking through history that is not at hand is the caller's. */
export function setLogFilter(log: LogState, pattern: LogPattern | null, context: number): LogState {
  const filtered = pattern ? emptyFilter(pattern, context) : null;
  return catchUp({ ...log, filtered, filteredTop: null, top: null, newLines: 0 });
}

/** Looks through what is at hand. */
function catchUp(log: LogState): LogState {
  return log.filtered ? { ...log, filtered: filterOn(log.filtered, log.window, log.complete) } : log;
}

/** Looks through more output, in order. What does not touch what was looked through before is left to the scan. */
export function filterOn(filtered: FilteredLog, more: LogWindow, complete: boolean): FilteredLog {
  if (more.from > filtered.to) {
    return filtered;
  }
  const lines = filtered.lines.slice();
  let { matches: count, after } = filtered;
  const before = filtered.before.slice();
  let to = filtered.to;
  let offset = Math.max(filtered.to, more.from);
  for (;;) {
    const line = lineAt(more, offset);
    if (!line || (!line.ended && !complete)) {
      // The rest is looked at when the line is whole, or when the scan reads it again.
      to = line ? line.offset : Math.max(to, more.to);
      break;
    }
    offset = line.next;
    if (matches(filtered.pattern, line)) {
      count++;
      const previous = lines.at(-1)?.line;
      const first = before[0] ?? line;
      const separated = previous !== undefined && previous.next < first.offset;
      for (const [i, context] of before.entries()) {
        lines.push({ line: keep(context), match: false, separated: separated && i === 0 });
      }
      lines.push({ line: keep(line), match: true, separated: separated && before.length === 0 });
      before.length = 0;
      after = filtered.context;
    } else if (after > 0) {
      lines.push({ line: keep(line), match: false, separated: false });
      after--;
    } else if (filtered.context > 0) {
      before.push(keep(line));
      if (before.length > filtered.context) {
        before.shift();
      }
    }
  }
  let bytes = 0;
  let from = lines.length;
  while (from > 0 && lines.length - from < FILTERED_LINES && bytes < FILTERED_BYTES) {
    from--;
    bytes += lines[from]?.line.data.length ?? 0;
  }
  return { ...filtered, lines: from > 0 ? lines.slice(from) : lines, matches: count, to, before, after };
}

/** A line of its own: without the piece of output around it. */
function keep(line: LogLine): LogLine {
  return line.data.buffer.byteLength > line.data.length * 2 ? { ...line, data: line.data.slice() } : line;
}

/** Rows that a line takes. */
export function lineRows(log: LogState, line: LogLine, width: number): number {
  if (!log.wrap || line.gap) {
    return 1;
  }
  return Math.max(1, Math.ceil(styleLine(line).text.length / Math.max(1, width)));
}

/** The position `rows` above the end: the top of a pane that follows. */
export function followTop(log: LogState, rows: number, width: number): LogPosition {
  const { window } = log;
  let offset = window.to;
  let left = rows;
  while (left > 0) {
    const start = previousLine(window, offset);
    if (start === null) {
      break;
    }
    offset = start;
    const line = lineAt(window, start);
    const needed = line ? lineRows(log, line, width) : 1;
    if (needed > left) {
      return { offset, row: needed - left };
    }
    left -= needed;
  }
  return { offset, row: 0 };
}

/**
 * Scrolls by rows, negative: up. Up pauses following; down to the end takes it
 * up again. `rows` and `width` are the size of the pane's body.
 */
export function scrollLog(log: LogState, by: number, rows: number, width: number): LogState {
  if (log.filtered) {
    const last = Math.max(0, log.filtered.lines.length - rows);
    const top = Math.max(0, Math.min(last, (log.filteredTop ?? last) + by));
    return top >= last && by > 0 ? resume(log) : { ...log, filteredTop: top };
  }
  const { window } = log;
  const bottom = followTop(log, rows, width);
  let { offset, row } = log.top ?? bottom;
  for (let left = by; left < 0; ) {
    if (row > 0) {
      const step = Math.min(row, -left);
      row -= step;
      left += step;
      continue;
    }
    const start = previousLine(window, offset);
    if (start === null) {
      break;
    }
    offset = start;
    const line = lineAt(window, start);
    row = line ? lineRows(log, line, width) : 1;
  }
  for (let left = by; left > 0; ) {
    const line = lineAt(window, offset);
    if (!line) {
      break;
    }
    const room = lineRows(log, line, width) - row - 1;
    if (room >= left) {
      row += left;
      break;
    }
    left -= room + 1;
    offset = line.next;
    row = 0;
  }
  const atEnd = offset > bottom.offset || (offset === bottom.offset && row >= bottom.row);
  if (atEnd && by > 0 && window.to >= log.next) {
    return resume(log);
  }
  return { ...log, top: atEnd ? bottom : { offset, row } };
}

/** Follows the end again. If the window does not reach it, the caller reads it. */
export function resume(log: LogState): LogState {
  return { ...log, top: null, filteredTop: null, newLines: 0 };
}

/** Pauses where it is. */
export function pause(log: LogState, rows: number, width: number): LogState {
  if (!following(log)) {
    return log;
  }
  return log.filtered
    ? { ...log, filteredTop: Math.max(0, log.filtered.lines.length - rows) }
    : { ...log, top: followTop(log, rows, width) };
}

/** Output that should be at hand but is not: where to read, and how. */
export type LogRead = { readonly from: number; readonly to: number; readonly edge: "before" | "after" };

/** How much is read at a time. Bytes. */
export const READ_BYTES = 256 << 10;
/** A read is begun when the view is this near the edge. Bytes. */
const MARGIN_BYTES = 32 << 10;

/** The next read that the view needs, if any. */
export function neededRead(log: LogState): LogRead | null {
  const { window, top } = log;
  if (!log.target || !log.opened || log.filtered || top === null) {
    return null;
  }
  if (window.from > log.first && top.offset - window.from < MARGIN_BYTES) {
    return { from: Math.max(log.first, window.from - READ_BYTES), to: window.from, edge: "before" };
  }
  if (window.to < log.next && window.to - top.offset < 2 * MARGIN_BYTES) {
    return { from: window.to, to: Math.min(log.next, window.to + READ_BYTES), edge: "after" };
  }
  return null;
}
