import type { OutputInfo, OutputStreamName } from "../../../sdk/types.ts";
import { emptyFilter, type FilteredLog, filterOn } from "./log-filter.ts";
import { type LogMatches, matchesAmong, matchesIn, noMatches } from "./log-matches.ts";
import type { LogPattern } from "./log-pattern.ts";
import { appendWindow, EMPTY_WINDOW, type LogWindow, prependWindow, withEvicted } from "./log-window.ts";

export type LogStreams = "all" | "stdout" | "stderr";

/** The process and run that the pane shows. */
export interface LogTarget {
  readonly id: string;
  readonly run: number;
}

/** Output that a pane shows. */
export interface LogView {
  /** Counts up each time that the pane begins anew: what was brought before is not in it, even if the rest is the same. */
  readonly opening: number;
  readonly target: LogTarget;
  readonly streams: LogStreams;
}

/** The place at the top of the pane: a line and how many of its rows are above it (with wrapping). */
export interface LogPosition {
  readonly offset: number;
  readonly row: number;
}

/** The log pane. */
export interface LogState {
  /** See {@link LogView}. */
  readonly opening: number;
  readonly target: LogTarget | null;
  /** Whether the run before the current one is wanted. */
  readonly previous: boolean;
  readonly streams: LogStreams;
  readonly window: LogWindow;
  /** Offsets that the daemon keeps, as far as known. */
  readonly first: number;
  readonly next: number;
  /** How much the daemon keeps at most. Bytes; 0: not known yet. */
  readonly limit: number;
  /** Whether no more output can come. */
  readonly complete: boolean;
  /** Whether the stream has said anything yet. */
  readonly opened: boolean;
  /** Whether nothing of the run is kept any more. */
  readonly gone: boolean;
  /** Null: the end is followed. With a filter: the first of its lines at or after this place. */
  readonly top: LogPosition | null;
  /** Lines that came since following was paused; with a filter, those that fit. */
  readonly newLines: number;
  readonly wrap: boolean;
  readonly timestamps: boolean;
  /** Columns scrolled to the right. */
  readonly column: number;
  /** Of the streams that are shown: bytes written so far, those that are no longer kept included. */
  readonly shownBytes: number;
  /** Up to which offset they are counted. */
  readonly countedTo: number;
  readonly pattern: LogPattern | null;
  /** Which way the search went when it was begun: n goes on that way. */
  readonly direction: "forwards" | "backwards";
  /** Where the pattern fits, of all the output or of what the filter lets through; null: there is no pattern. */
  readonly found: LogMatches | null;
  /** The line that the search stands on. */
  readonly match: number | null;
  readonly searching: boolean;
  readonly filtered: FilteredLog | null;
  /** Whether output comes too fast to take all of it: only the newest is read. */
  readonly skimming: boolean;
}

export const EMPTY_LOG: LogState = {
  opening: 0,
  target: null,
  previous: false,
  streams: "all",
  window: EMPTY_WINDOW,
  first: 0,
  next: 0,
  limit: 0,
  complete: false,
  opened: false,
  gone: false,
  top: null,
  newLines: 0,
  wrap: false,
  timestamps: false,
  column: 0,
  shownBytes: 0,
  countedTo: 0,
  pattern: null,
  direction: "forwards",
  found: null,
  match: null,
  searching: false,
  filtered: null,
  skimming: false,
};

/**
 * Shows another process or run, from its end on. View settings and the pattern
 * stay; a stream that was left out comes back with another process, which may
 * have written nothing else.
 */
export function openLog(log: LogState, target: LogState["target"]): LogState {
  return {
    ...EMPTY_LOG,
    opening: log.opening + 1,
    target,
    streams: target?.id === log.target?.id ? log.streams : "all",
    wrap: log.wrap,
    timestamps: log.timestamps,
    pattern: log.pattern,
    direction: log.direction,
    found: log.pattern && noMatches(log.pattern),
    filtered: log.filtered ? emptyFilter(log.filtered.pattern, log.filtered.context) : null,
  };
}

/** Shows other streams of the same run, from the same place on. */
export function setStreams(log: LogState, streams: LogStreams): LogState {
  return { ...openLog({ ...log, streams }, log.target), previous: log.previous, top: log.top };
}

/** Whether a pane shows this output. */
export function isShown(log: LogState, { opening }: LogView): boolean {
  return log.opening === opening;
}

/** The streams that the daemon is asked for; undefined: all. */
export function wantedStreams(streams: LogStreams): readonly OutputStreamName[] | undefined {
  return streams === "all" ? undefined : streams === "stdout" ? ["stdout", "tty"] : ["stderr"];
}

/** What the daemon says of the output is taken over. */
export function withOutput(log: LogState, output: OutputInfo): LogState {
  const { stdoutBytes, stderrBytes } = output;
  const isNews = output.nextOffset >= log.countedTo;
  return {
    ...log,
    first: Math.max(log.first, output.firstOffset),
    next: Math.max(log.next, output.nextOffset),
    limit: output.limitBytes,
    shownBytes: !isNews
      ? log.shownBytes
      : log.streams === "all"
        ? output.nextOffset
        : log.streams === "stdout"
          ? stdoutBytes
          : stderrBytes,
    countedTo: Math.max(log.countedTo, output.nextOffset),
  };
}

/** Bytes of a window from an offset on. */
function countBytes(window: LogWindow, from: number): number {
  let count = 0;
  for (const item of window.items) {
    if (item.kind === "data" && item.end > from) {
      count += item.end - Math.max(from, item.offset);
    }
  }
  return count;
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
  const { window } = log;
  // With a filter the window is not what is looked at: it goes with the live output.
  const follows = log.top === null || log.filtered !== null;
  const written = Math.max(log.next, more.to);
  // Live output does not say what gives way to it: no more is kept than the limit.
  const dropped = log.limit > 0 ? written - log.limit : 0;
  const gone = more.items.reduce((end, item) => (item.kind === "gap" ? Math.max(end, item.end) : end), dropped);
  let next: LogState = {
    ...log,
    opened: true,
    first: Math.max(log.first, gone),
    next: written,
    complete: log.complete || complete,
    shownBytes: log.shownBytes + countBytes(more, log.countedTo),
    countedTo: Math.max(log.countedTo, more.to),
  };
  if (window.items.length === 0 && window.to <= more.from) {
    next = { ...next, window: more };
  } else if (follows || window.bytes + more.bytes <= WINDOW_ROOM) {
    next = { ...next, window: more.from > window.to && follows ? more : appendWindow(window, more) };
  }
  next = catchUp(next);
  return following(log) ? next : { ...next, newLines: log.newLines + countNew(next, more, log.next) };
}

/** Lines from an offset on that the pane shows or would show. */
function countNew(log: LogState, more: LogWindow, from: number): number {
  if (!log.filtered) {
    return countLines(more, from);
  }
  const { lines } = log.filtered;
  let count = 0;
  for (let i = lines.length - 1; i >= 0 && (lines[i]?.line.next ?? 0) > from; i--) {
    count += lines[i]?.match ? 1 : 0;
  }
  return count;
}

/** From where the filter or the search needs output that is not at hand; null: they are up to date or will be with the live output. */
export function neededScan(log: LogState): number | null {
  const { filtered, found, window, next, first } = log;
  if (!log.target || !log.opened || log.gone) {
    return null;
  }
  // With a filter the search looks through what that lets through.
  const to = Math.max((filtered ?? found)?.to ?? next, first);
  // What is at hand has been looked through; only its last line may wait for more, which comes live if it is the newest.
  return to < next && (to < window.from || window.to < next) ? to : null;
}

/** Takes over what a scan for the filter or the search read. */
export function mergeScan(before: LogState, read: LogWindow, output: OutputInfo): LogState {
  const log = withOutput(before, output);
  const ended = output.complete && read.to >= output.nextOffset;
  // What was dropped before it could be looked at is skipped.
  const skipped = <T extends { readonly to: number }>(looked: T): T =>
    looked.to < read.from && read.from <= log.first ? { ...looked, to: read.from } : looked;
  // A line longer than a read: go on after it rather than read it for ever.
  const moved = <T extends { readonly to: number }>(looked: T, scanned: T): T =>
    looked.to >= read.from && scanned.to === looked.to && read.to > looked.to && read.to < output.nextOffset
      ? { ...scanned, to: read.to }
      : scanned;
  const filtered = log.filtered && skipped(log.filtered);
  if (filtered) {
    return catchUp({ ...log, filtered: moved(filtered, filterOn(filtered, read, ended)) });
  }
  const found = log.found && skipped(log.found);
  return catchUp({ ...log, found: found && moved(found, matchesIn(found, read, ended)) });
}

/** Above this a paused pane takes no more live output, or what is looked at would give way to it. */
const WINDOW_ROOM = 1 << 20;

/** Takes a window over that was read because the view came near the edge of what there is at hand, or left it. */
export function mergeRead(log: LogState, more: LogWindow, output: OutputInfo): LogState {
  const next: LogState = { ...withOutput(log, output), complete: output.complete };
  const { window, top } = log;
  // A place that was evicted is in the gap.
  const read = withEvicted(more, next.first);
  if (top !== null && !contains(window, top.offset) && contains(read, top.offset)) {
    return { ...next, window: read };
  }
  if (read.to === window.from || (read.from < window.from && read.to >= window.from)) {
    return { ...next, window: prependWindow(window, read) };
  }
  if (read.from <= window.to && read.to > window.to) {
    return { ...next, window: appendWindow(window, read) };
  }
  return next;
}

/** Whether a place in the output is at hand; the end of the window is in it. */
export function contains(window: LogWindow, offset: number): boolean {
  return offset >= window.from && offset <= window.to && window.to > window.from;
}

/** Replaces the window and goes to a place in it; null: its end, unless the pane was paused meanwhile. */
export function jumpTo(log: LogState, read: LogWindow, output: OutputInfo, position: LogPosition | null): LogState {
  if (position === null && !following(log)) {
    return log;
  }
  // Live output may have overtaken the end that was read.
  const overtaken = position === null && read.to < log.window.to;
  return {
    ...withOutput(log, output),
    window: overtaken ? prependWindow(log.window, read) : read,
    complete: output.complete,
    top: position,
    newLines: position === null ? 0 : log.newLines,
  };
}

/** Whether the end is followed. */
export function following(log: LogState): boolean {
  return log.top === null;
}

/** Follows the end again. If the window does not reach it, the caller reads it. */
export function resume(log: LogState): LogState {
  return { ...log, top: null, newLines: 0 };
}

/**
 * Begins, changes or (null) ends the filter; the place in the output stays.
 * Looking through history that is not at hand is the caller's.
 */
export function setLogFilter(log: LogState, pattern: LogPattern | null, context: number): LogState {
  const filtered = pattern ? emptyFilter(pattern, context) : null;
  return catchUp({ ...log, filtered, found: log.found && noMatches(log.found.pattern), newLines: 0 });
}

/** Looks for something else; null: for nothing. */
export function setPattern(log: LogState, pattern: LogPattern | null): LogState {
  return catchUp({ ...log, pattern, match: null, found: pattern && noMatches(pattern) });
}

/** Looks through what is at hand. */
function catchUp(log: LogState): LogState {
  const { found, window, complete } = log;
  if (log.filtered) {
    const filtered = filterOn(log.filtered, window, complete);
    return { ...log, filtered, found: found && matchesAmong(found, filtered.lines) };
  }
  return found ? { ...log, found: matchesIn(found, window, complete) } : log;
}

/** Output that should be at hand but is not: where to read. */
export interface LogRead {
  readonly from: number;
  readonly to: number;
}

/** How much is read at a time. Bytes. */
export const READ_BYTES = 256 << 10;
/** A read is begun when the view is this near the edge. Bytes. */
const MARGIN_BYTES = 32 << 10;

/** Whether the view comes near the end of what is at hand: a gap is one row, however much is missing, and other streams have none. */
function isNearEnd({ items, to }: LogWindow, top: number): boolean {
  let missing = 0;
  let begin = to;
  for (let i = items.length - 1; i >= 0; i--) {
    const item = items[i];
    if (!item || item.end <= top) {
      break;
    }
    if (to - item.end - missing >= 2 * MARGIN_BYTES) {
      return false;
    }
    begin = Math.max(top, item.offset);
    missing += item.kind === "gap" ? item.end - begin : 0;
  }
  return to - begin - missing < 2 * MARGIN_BYTES;
}

/** The next read that the view needs, if any. */
export function neededRead(log: LogState): LogRead | null {
  const { window, top, first, next } = log;
  if (!log.target || !log.opened || log.filtered || top === null) {
    return null;
  }
  if (!contains(window, top.offset)) {
    const from = Math.max(first, top.offset - READ_BYTES / 2);
    return from < next ? { from, to: Math.min(next, from + READ_BYTES) } : null;
  }
  if (window.from > first && top.offset - window.from < MARGIN_BYTES) {
    return { from: Math.max(first, window.from - READ_BYTES), to: window.from };
  }
  if (window.to < next && isNearEnd(window, top.offset)) {
    return { from: window.to, to: Math.min(next, window.to + READ_BYTES) };
  }
  return null;
}
