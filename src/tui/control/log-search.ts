import { setImmediate } from "node:timers/promises";
import type { LogState } from "../state/log/log.ts";
import { type LogPattern, matches } from "../state/log/log-pattern.ts";
import type { SearchDirection } from "../state/log/log-update.ts";
import { type LogWindow, lineAt } from "../state/log/log-window.ts";

/** How much is looked through at a time. Bytes. */
const CHUNK_BYTES = 512 << 10;
/** How long lines are looked at before keys have their turn. Milliseconds. */
const SLICE_MS = 5;

/** Output, and what of it the daemon keeps. */
interface Read {
  readonly window: LogWindow;
  readonly output: { readonly firstOffset: number; readonly nextOffset: number };
}

export interface Found {
  /** Where the line begins. */
  readonly offset: number;
  /** Whether the search went past the end and on at the other one. */
  readonly wrapped: boolean;
}

/**
 * Looks through a run's output line by line: what is at hand first, which may
 * be more than the daemon still keeps, then piece by piece what it keeps.
 */
export class LogSearch {
  readonly #log: LogState;
  readonly #pattern: LogPattern;
  readonly #read: (from: number, bytes: number) => Promise<Read | null>;
  readonly #signal: AbortSignal;
  readonly #chunkBytes: number;
  #sliceBegan = performance.now();

  constructor(
    log: LogState,
    pattern: LogPattern,
    read: (from: number, bytes: number) => Promise<Read | null>,
    signal: AbortSignal,
    chunkBytes = CHUNK_BYTES,
  ) {
    this.#log = log;
    this.#pattern = pattern;
    this.#read = read;
    this.#signal = signal;
    this.#chunkBytes = chunkBytes;
  }

  /** The next line that fits, all the way round; null if there is none. */
  async run(from: number, direction: SearchDirection, inclusive: boolean): Promise<Found | null> {
    const oldest = Math.min(this.#log.first, this.#log.window.from);
    const wrapped = (offset: number | null): Found | null => (offset === null ? null : { offset, wrapped: true });
    if (direction === "forwards") {
      const found = await this.#forwards(from, Number.POSITIVE_INFINITY, inclusive ? -1 : from);
      return found === null ? wrapped(await this.#forwards(oldest, from, -1)) : { offset: found, wrapped: false };
    }
    const found = await this.#backwards(from, oldest);
    return found === null
      ? wrapped(await this.#backwards(Number.POSITIVE_INFINITY, from))
      : { offset: found, wrapped: false };
  }

  /** The first line that fits and begins at `start` to `last`, but is not `except`. */
  async #forwards(start: number, last: number, except: number): Promise<number | null> {
    let mayBeAtHand = true;
    for (let at = start; !this.#signal.aborted; ) {
      const read = await this.#at(at, mayBeAtHand);
      mayBeAtHand = false;
      if (!read) {
        return null;
      }
      const { window, output } = read;
      let next = window.to;
      for (let line = lineAt(window, at); line; line = lineAt(window, line.next)) {
        if (line.offset > last) {
          return null;
        }
        if (!line.ended && window.to < output.nextOffset && (line.offset > at || window === this.#log.window)) {
          // Cut by the end of the window: the next one has it whole.
          next = line.offset;
          break;
        }
        if (line.offset !== except && matches(this.#pattern, line)) {
          return line.offset;
        }
        await this.#breathe();
      }
      if (window.to >= output.nextOffset || (next <= at && window !== this.#log.window)) {
        return null;
      }
      at = next;
    }
    return null;
  }

  /** The last line that fits and begins at `first` or after it, and before `end`. */
  async #backwards(end: number, first: number): Promise<number | null> {
    let mayBeAtHand = true;
    for (let before = Math.min(end, await this.#newest()); !this.#signal.aborted; ) {
      const read = await this.#before(before, first, mayBeAtHand);
      mayBeAtHand = false;
      if (!read) {
        return null;
      }
      const { window } = read;
      let found: number | null = null;
      let whole: number | null = null;
      for (let line = lineAt(window, window.from); line && line.offset < before; line = lineAt(window, line.next)) {
        // The window may begin in the middle of a line, which the next one has whole.
        if (whole === null && window.from > first) {
          whole = line.next;
          continue;
        }
        whole ??= line.offset;
        if (line.offset >= first && matches(this.#pattern, line)) {
          found = line.offset;
        }
        await this.#breathe();
      }
      if (found !== null) {
        return found;
      }
      if (window.from <= first || window.from <= read.output.firstOffset) {
        return null;
      }
      // The line that was left out is looked at in the next window. What is at hand may hold nothing else.
      before = whole !== null && (whole < before || window === this.#log.window) ? whole : window.from;
    }
    return null;
  }

  /** Behind the newest byte. Of output that was just gone to nothing is known yet. */
  async #newest(): Promise<number> {
    const { opened, next, window } = this.#log;
    return opened ? Math.max(next, window.to) : ((await this.#read(0, 1))?.output.nextOffset ?? 0);
  }

  /** Output that begins at a place; or what is at hand, if that holds the place. */
  async #at(offset: number, mayBeAtHand: boolean): Promise<Read | null> {
    const { window } = this.#log;
    return mayBeAtHand && offset >= window.from && offset < window.to
      ? this.#atHand(window)
      : this.#read(offset, this.#chunkBytes);
  }

  /** Output that ends at a place; or what is at hand, if that holds the place. */
  async #before(offset: number, first: number, mayBeAtHand: boolean): Promise<Read | null> {
    const { window } = this.#log;
    if (mayBeAtHand && offset > window.from && offset <= window.to) {
      return this.#atHand(window);
    }
    const from = Math.max(0, first, offset - this.#chunkBytes);
    return offset > from ? this.#read(from, offset - from) : null;
  }

  #atHand(window: LogWindow): Read {
    return { window, output: { firstOffset: this.#log.first, nextOffset: this.#log.next } };
  }

  /** Others have their turn. */
  async #breathe(): Promise<void> {
    if (performance.now() - this.#sliceBegan > SLICE_MS) {
      await setImmediate();
      this.#sliceBegan = performance.now();
    }
  }
}
