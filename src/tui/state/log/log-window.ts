import type { OutputStreamName } from "../../../sdk/types.ts";
import { unfinishedAt } from "../../terminal/unfinished.ts";

/** Consecutive bytes of one stream, or a hole that the output bound tore. */
export type LogItem =
  | {
      readonly kind: "data";
      readonly stream: OutputStreamName;
      readonly offset: number;
      readonly end: number;
      /** Milliseconds since the epoch. */
      readonly time: number;
      readonly data: Uint8Array;
    }
  | { readonly kind: "gap"; readonly offset: number; readonly end: number };

/**
 * A part of a run's output: everything of the wanted streams from offset `from`
 * up to, not including, `to`. Offsets between items belong to other streams.
 */
export interface LogWindow {
  readonly from: number;
  readonly to: number;
  readonly items: readonly LogItem[];
  readonly bytes: number;
}

export const EMPTY_WINDOW: LogWindow = { from: 0, to: 0, items: [], bytes: 0 };

/** Bytes and items of output that the screen keeps at hand; the rest is read again from the daemon. */
export const WINDOW_BYTES = 1 << 20;
const WINDOW_ITEMS = 8192;
/** Small pieces of one stream are put together up to this size. */
const MERGE_BYTES = 4096;
/** Pieces further apart in time than this are kept apart, so that time stamps stay true. Milliseconds. */
const MERGE_MS = 50;
/** A line without an end is shown in pieces of this size or up to twice that. Bytes. */
export const PIECE_BYTES = 4096;

/** One line, or one piece of a very long one, as it is shown. */
export interface LogLine {
  readonly offset: number;
  /** Where the next line begins. */
  readonly next: number;
  readonly stream: OutputStreamName;
  readonly time: number;
  /** Without the newline. */
  readonly data: Uint8Array;
  /** What its stream wrote last, before the other stream came between: the beginning of a sequence or a character that goes on here. */
  readonly lead: Uint8Array;
  /** Whether it is over: a newline, the other stream or the piece limit ended it. */
  readonly ended: boolean;
  /** Whether a newline did: what is cut otherwise may be cut within a character or a sequence. */
  readonly newline: boolean;
  /** Set on the line that stands for missing output. */
  readonly gap: { readonly from: number; readonly to: number } | null;
}

/** Gaps that touch become one: what is missing is told once, however many reads found it. */
export function windowOf(from: number, to: number, parts: readonly LogItem[]): LogWindow {
  const items: LogItem[] = [];
  for (const item of parts) {
    pushItem(items, item);
  }
  return { from, to, items, bytes: bytesOf(items) };
}

function bytesOf(items: readonly LogItem[]): number {
  return items.reduce((sum, item) => sum + (item.kind === "data" ? item.data.length : 0), 0);
}

/** Adds an item at the end, joined to the gap there if it is one that touches it. */
function pushItem(items: LogItem[], item: LogItem): void {
  const last = items.at(-1);
  if (item.kind === "gap" && last?.kind === "gap" && last.end >= item.offset) {
    items[items.length - 1] = { ...last, end: Math.max(last.end, item.end) };
  } else {
    items.push(item);
  }
}

const NOTHING = new Uint8Array();
/** How far back the beginning of a sequence is looked for. Items of the window, and bytes of the stream. */
const LEAD_ITEMS = 32;
const SEQUENCE_BYTES = 4096;

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function mergeable(a: LogItem | undefined, b: LogItem): boolean {
  return (
    a?.kind === "data" &&
    b.kind === "data" &&
    a.stream === b.stream &&
    a.end === b.offset &&
    a.data.length + b.data.length <= MERGE_BYTES &&
    b.time - a.time <= MERGE_MS
  );
}

/** Adds what comes next. What does not touch the window is not taken; the front gives way at the bound. */
export function appendWindow(window: LogWindow, more: LogWindow): LogWindow {
  if (more.from > window.to || more.to <= window.to) {
    return window;
  }
  const items = window.items.slice();
  let bytes = window.bytes;
  for (const item of more.items) {
    if (item.end <= window.to) {
      continue;
    }
    const fresh = item.offset >= window.to ? item : cutFront(item, window.to);
    bytes += fresh.kind === "data" ? fresh.data.length : 0;
    const last = items.at(-1);
    if (mergeable(last, fresh) && last?.kind === "data" && fresh.kind === "data") {
      items[items.length - 1] = { ...last, end: fresh.end, data: concat(last.data, fresh.data) };
    } else {
      pushItem(items, fresh);
    }
  }
  let drop = 0;
  let from = window.from;
  while (drop < items.length - 1 && (bytes > WINDOW_BYTES || items.length - drop > WINDOW_ITEMS)) {
    const item = items[drop];
    bytes -= item?.kind === "data" ? item.data.length : 0;
    drop++;
    from = items[drop]?.offset ?? from;
  }
  return { from, to: more.to, items: drop > 0 ? items.slice(drop) : items, bytes };
}

/** Adds what came before; the end gives way at the bound. */
export function prependWindow(window: LogWindow, more: LogWindow): LogWindow {
  if (more.to < window.from || more.from >= window.from) {
    return window;
  }
  const items: LogItem[] = [];
  for (const item of more.items) {
    if (item.offset < window.from) {
      items.push(item.end <= window.from ? item : cutEnd(item, window.from));
    }
  }
  const [seam, ...others] = window.items;
  if (seam) {
    pushItem(items, seam);
    items.push(...others);
  }
  let bytes = bytesOf(items);
  let to = window.to;
  while (items.length > 1 && (bytes > WINDOW_BYTES || items.length > WINDOW_ITEMS)) {
    const item = items.pop();
    bytes -= item?.kind === "data" ? item.data.length : 0;
    to = item?.offset ?? to;
  }
  return { from: more.from, to, items, bytes };
}

/**
 * The same, beginning with one gap that stands for all that was evicted, if
 * nothing that is kept comes before the window. `first`: the oldest offset kept.
 */
export function withEvicted(window: LogWindow, first: number): LogWindow {
  const [begin, ...others] = window.items;
  const kept = begin?.kind === "gap" ? begin.end : window.from;
  if (!begin || kept === 0 || kept > first || (begin.kind === "gap" && begin.offset === 0)) {
    return window;
  }
  const gap: LogItem = { kind: "gap", offset: 0, end: kept };
  return { ...window, from: 0, items: begin.kind === "gap" ? [gap, ...others] : [gap, ...window.items] };
}

function cutFront(item: LogItem, offset: number): LogItem {
  return item.kind === "data"
    ? { ...item, offset, data: item.data.subarray(offset - item.offset) }
    : { ...item, offset };
}

function cutEnd(item: LogItem, end: number): LogItem {
  return item.kind === "data" ? { ...item, end, data: item.data.subarray(0, end - item.offset) } : { ...item, end };
}

/** Index of the item that holds `offset`, or of the first one after it. */
function itemAt(window: LogWindow, offset: number): number {
  let low = 0;
  let high = window.items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((window.items[middle]?.end ?? 0) <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Whether item `index` goes on where the item before it stopped: the same stream and nothing missing between. */
function continues(window: LogWindow, index: number): boolean {
  const item = window.items[index];
  const before = window.items[index - 1];
  return item?.kind === "data" && before?.kind === "data" && item.stream === before.stream;
}

/**
 * Where the line before `offset` begins, which must be the beginning of a line
 * or the end of the window; null if the window holds none.
 *
 * Lines end after a newline and where the stream changes. A line that does not
 * end is cut, by a rule that needs no more than the bytes around: at offsets
 * that are multiples of {@link PIECE_BYTES} with no newline in as many bytes
 * before.
 */
export function previousLine(window: LogWindow, offset: number): number | null {
  if (offset <= window.from) {
    return null;
  }
  let index = itemAt(window, offset);
  const here = window.items[index];
  if (here?.kind === "gap" && here.offset < offset) {
    // The line here began before a gap was joined to it.
    return previousLine(window, here.offset);
  }
  let end = offset;
  if (!here || here.offset >= offset) {
    index--;
    const before = window.items[index];
    if (!before) {
      return null;
    }
    end = before.end;
  }
  const item = window.items[index];
  if (!item || item.kind === "gap") {
    return item?.offset ?? null;
  }
  // The newline at the very end belongs to the line that is looked for.
  let limit = end - 1;
  let start = item.offset;
  for (let i = index, first = true; ; i--, first = false) {
    const current = window.items[i];
    if (current?.kind !== "data") {
      break;
    }
    const to = first ? limit - current.offset : current.data.length;
    const at = to > 0 ? current.data.lastIndexOf(10, to - 1) : -1;
    start = current.offset;
    if (at >= 0) {
      start = current.offset + at + 1;
      // At the end of an item the next line begins with the next item.
      if (at + 1 === current.data.length) {
        start = window.items[i + 1]?.offset ?? current.end;
      }
      break;
    }
    if (end - current.offset > 2 * PIECE_BYTES || !continues(window, i)) {
      break;
    }
    limit = current.offset;
  }
  if (end - start <= PIECE_BYTES) {
    return start;
  }
  // The last cut before the end that the rule allows.
  for (let cut = Math.floor((end - 1) / PIECE_BYTES) * PIECE_BYTES; cut - PIECE_BYTES >= start; cut -= PIECE_BYTES) {
    if (cut < end) {
      return cut;
    }
  }
  return start;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** The line that begins at `offset`, or at the first item after it; null at the end of the window. */
export function lineAt(window: LogWindow, offset: number): LogLine | null {
  const begun = itemAt(window, offset);
  let index = begun;
  const item = window.items[index];
  if (!item) {
    return null;
  }
  const start = Math.max(offset, item.offset);
  if (item.kind === "gap") {
    return {
      offset: item.offset,
      next: item.end,
      stream: "stdout",
      time: 0,
      data: NOTHING,
      lead: NOTHING,
      ended: true,
      newline: true,
      gap: { from: item.offset, to: item.end },
    };
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  let next = start;
  let ended = false;
  let newline = false;
  for (let first = true; ; index++, first = false) {
    const current = window.items[index];
    if (current?.kind !== "data" || (!first && !continues(window, index))) {
      // Something else follows, or nothing does yet.
      ended = current !== undefined;
      break;
    }
    let from = first ? start - current.offset : 0;
    if (first && start % PIECE_BYTES === 0) {
      while (from < start + 3 - current.offset && isContinuation(current.data[from])) {
        from++;
      }
    }
    const at = current.data.indexOf(10, from);
    let to = at < 0 ? current.data.length : at;
    // A cut: the first multiple with a whole piece since the line began before it.
    const cut = Math.ceil((start + PIECE_BYTES) / PIECE_BYTES) * PIECE_BYTES;
    if (current.offset + to > cut) {
      // The bytes of a character that the cut goes through are shown before it.
      to = cut - current.offset;
      while (to < cut + 3 - current.offset && isContinuation(current.data[to])) {
        to++;
      }
      parts.push(current.data.subarray(from, to));
      length += to - from;
      next = cut;
      ended = true;
      break;
    }
    parts.push(current.data.subarray(from, to));
    length += to - from;
    next = at < 0 ? current.end : current.offset + at + 1;
    if (at >= 0) {
      ended = true;
      newline = true;
      break;
    }
  }
  let data = parts[0] ?? new Uint8Array();
  if (parts.length > 1) {
    data = new Uint8Array(length);
    let used = 0;
    for (const part of parts) {
      data.set(part, used);
      used += part.length;
    }
  }
  const lead = start === item.offset ? leadOf(window, begun) : NOTHING;
  return { offset: start, next, stream: item.stream, time: item.time, data, lead, ended, newline, gap: null };
}

/** What the item's stream left unfinished when the other stream came between; nothing where that cannot be known. */
function leadOf({ items }: LogWindow, index: number): Uint8Array {
  const stream = streamOf(items[index]);
  let tail: Uint8Array = NOTHING;
  if (streamOf(items[index - 1]) === stream) {
    return NOTHING;
  }
  for (let i = index - 1; i >= 0 && index - i <= LEAD_ITEMS; i--) {
    const item = items[i];
    if (item?.kind !== "data") {
      break;
    }
    if (item.stream === stream) {
      tail = concat(item.data.subarray(-SEQUENCE_BYTES), tail);
      const begun = unfinishedAt(tail);
      if (begun !== null || tail.length >= SEQUENCE_BYTES) {
        return begun === null ? NOTHING : tail.subarray(begun);
      }
    }
  }
  return NOTHING;
}

function streamOf(item: LogItem | undefined): OutputStreamName | null {
  return item?.kind === "data" ? item.stream : null;
}

/**
 * Visits the lines of a window from an offset on, as far as they are over;
 * `complete`: nothing comes behind the window, so that the last one is. Returns
 * the offset from which to go on when there is more.
 */
export function visitLines(window: LogWindow, from: number, complete: boolean, visit: (line: LogLine) => void): number {
  for (let offset = Math.max(from, window.from); ; ) {
    const found = lineAt(window, offset);
    // A gap may begin where other lines were seen, before they were dropped.
    const line = found && found.offset < offset ? { ...found, offset } : found;
    if (!line || (!line.ended && !complete)) {
      // The rest is looked at when the line is whole, or when it is read again.
      return line ? line.offset : Math.max(from, window.to);
    }
    visit(line);
    offset = line.next;
  }
}
