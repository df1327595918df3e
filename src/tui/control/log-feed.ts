import type { ProcessManager } from "../../sdk/manager.ts";
import type { OutputInfo, OutputRead, OutputStreamName } from "../../sdk/types.ts";
import type { Action, Effect } from "../state/action.ts";
import {
  contains,
  isShown,
  type LogRead,
  type LogState,
  type LogView,
  neededRead,
  neededScan,
  READ_BYTES,
  wantedStreams,
} from "../state/log/log.ts";
import type { SearchDirection } from "../state/log/log-update.ts";
import { appendWindow, type LogItem, type LogWindow, windowOf } from "../state/log/log-window.ts";
import { errorReason, errorText, isConnectionError } from "./errors.ts";
import { LogSearch } from "./log-search.ts";
import { sleep } from "./sleep.ts";
import { FRAME_MS, type Source, type Store } from "./store.ts";

/** How much of the newest output is shown when a process is opened. Bytes. */
const TAIL_BYTES = 128 << 10;
/** A selection that is still moving opens nothing. Milliseconds. */
const SETTLE_MS = 60;
/** Output that is collected before a frame must take it. Bytes. */
const BACKLOG_BYTES = 512 << 10;
/** Above this rate only the newest output is read. Bytes per second. */
const SKIM_RATE = 6 << 20;
/** So much may come at once. Bytes. */
const BURST_BYTES = 256 << 10;
/** Over how long it must come slowly again. Milliseconds. */
const SLOW_MS = 500;
/** How much is read each time while skimming, and how often. */
const SKIM_BYTES = 32 << 10;
const SKIM_MS = FRAME_MS + 5;
/** At least so long between reads of a filter's scan, and of one that only counts matches. Milliseconds. */
const SCAN_MS = 20;
const COUNT_MS = 60;
/** How many of the newest lines of one stream are read when it is shown alone. */
const STREAM_LINES = 1000;

/** Live output, collected between frames. */
class LiveSource implements Source {
  readonly #view: LogView;
  from = 0;
  to = 0;
  bytes = 0;
  items: LogItem[] = [];
  complete = false;
  skimming = false;
  changed = false;

  constructor(view: LogView) {
    this.#view = view;
  }

  /** Output has come up to an offset. Of all streams every byte comes, or was dropped before it could: a tail does not say so. */
  reached(offset: number): void {
    if (this.#view.streams === "all" && offset > this.to) {
      this.items.push({ kind: "gap", offset: this.to, end: offset });
    }
    this.to = Math.max(this.to, offset);
  }

  drain(): Action | null {
    if (!this.changed) {
      return null;
    }
    this.changed = false;
    const more = windowOf(this.from, this.to, this.items);
    this.from = this.to;
    this.items = [];
    this.bytes = 0;
    const { complete, skimming } = this;
    return { type: "log-live", view: this.#view, more, complete, skimming };
  }
}

/** A read as a window. A gap goes as far as output is missing, which may be further than was read. */
function windowFromRead({ chunks, gap, nextOffset, output }: OutputRead, from: number): LogWindow {
  const gapEnd = gap && chunks.length === 0 ? Math.max(gap.to, output.firstOffset) : gap?.to;
  const items: LogItem[] = gap && gapEnd !== undefined ? [{ kind: "gap", offset: gap.from, end: gapEnd }] : [];
  for (const { stream, offset, time, data } of chunks) {
    items.push({ kind: "data", stream, offset, end: offset + data.length, time: time.getTime(), data });
  }
  return windowOf(from, Math.max(nextOffset, gapEnd ?? 0), items);
}

/** Brings the output that the log pane shows: live by one stream, history by reads. */
export class LogFeed {
  readonly #manager: ProcessManager;
  readonly #store: Store;
  #view: LogView | null = null;
  #abort = new AbortController();
  #reading = false;
  #scanning = false;
  #searching: AbortController | null = null;

  constructor(manager: ProcessManager, store: Store) {
    this.#manager = manager;
    this.#store = store;
  }

  /** Asks for what the state shows. */
  changed(log: LogState): void {
    const { opening, target, streams } = log;
    if (this.#view ? !isShown(log, this.#view) : target !== null) {
      this.#abort.abort();
      this.#abort = new AbortController();
      this.#reading = false;
      this.#scanning = false;
      this.#view = target && { opening, target, streams };
      if (this.#view) {
        void this.#follow(this.#view, this.#abort.signal);
      }
      return;
    }
    const view = this.#view;
    if (!view) {
      return;
    }
    const read = neededRead(log);
    if (read && !this.#reading) {
      void this.#fill(view, read, this.#abort.signal);
    }
    if (!this.#scanning && neededScan(log) !== null) {
      void this.#scan(view, this.#abort.signal);
    }
  }

  close(): void {
    this.#view = null;
    this.#abort.abort();
  }

  /** Reads the beginning of what is kept, and goes there unless a key has led elsewhere meanwhile. */
  async readStart(): Promise<void> {
    const view = this.#viewNow();
    const signal = this.#abort.signal;
    const { top } = this.#store.state.log;
    const begin = view && (await this.#read(view, 0, READ_BYTES, signal));
    if (!begin) {
      return;
    }
    let { window, output } = begin;
    // More may be missing, or of other streams, than is read at a time.
    while (window.bytes === 0 && window.to < output.nextOffset) {
      const more = await this.#read(view, window.to, READ_BYTES, signal);
      if (!more || more.window.to <= window.to) {
        break;
      }
      window = appendWindow(window, more.window);
      output = more.output;
    }
    if (this.#store.state.log.top === top) {
      this.#apply(view, { type: "log-jump", read: window, output, position: { offset: 0, row: 0 } });
    }
  }

  /** Reads the end of it. */
  async readEnd(): Promise<void> {
    const view = this.#viewNow();
    if (!view) {
      return;
    }
    try {
      const read = await this.#tail(view, TAIL_BYTES, this.#abort.signal);
      this.#apply(view, { type: "log-jump", read: read.window, output: read.output, position: null });
    } catch {
      // The connection: the banner says so.
    }
  }

  /** Looks for the next line that fits; another search, or output, ends it. */
  async search(log: LogState, { from, direction, inclusive }: Extract<Effect, { type: "search" }>): Promise<void> {
    const { pattern } = log;
    const view = this.#viewNow();
    if (!pattern || !view) {
      return;
    }
    this.cancelSearch();
    this.#searching = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, this.#searching.signal]);
    const search = new LogSearch(log, pattern, (offset, bytes) => this.#read(view, offset, bytes, signal), signal);
    const found = await search.run(from, direction, inclusive);
    if (signal.aborted) {
      return;
    }
    if (!found) {
      this.#apply(view, { type: "log-not-found" });
      return;
    }
    await this.showLine(log, found.offset, found.wrapped ? direction : null, signal);
  }

  /** Goes to a line, wherever it is. */
  async showLine(
    log: LogState,
    offset: number,
    wrapped: SearchDirection | null = null,
    canceled?: AbortSignal,
  ): Promise<void> {
    const view = this.#viewNow();
    const signal = canceled ?? this.#abort.signal;
    if (!view) {
      return;
    }
    if (contains(this.#store.state.log.window, offset)) {
      this.#apply(view, { type: "log-found", offset, read: null, wrapped });
    } else if (contains(log.window, offset)) {
      this.#apply(view, { type: "log-found", offset, read: log.window, wrapped });
    } else {
      const read = await this.#read(view, Math.max(0, offset - READ_BYTES / 2), READ_BYTES, signal);
      if (!signal.aborted) {
        this.#apply(view, read ? { type: "log-found", offset, read: read.window, wrapped } : { type: "log-not-found" });
      }
    }
  }

  cancelSearch(): void {
    this.#searching?.abort();
    this.#searching = null;
  }

  /** What is on view: a key before may have changed it since the last frame. */
  #viewNow(): LogView | null {
    this.changed(this.#store.state.log);
    return this.#view;
  }

  /** Dispatches if the same output is still on view. */
  #apply(view: LogView, action: Action): void {
    if (isShown(this.#store.state.log, view)) {
      this.#store.dispatch(action);
    }
  }

  async #read(
    { target, streams: shown }: LogView,
    from: number,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<{ window: LogWindow; output: OutputInfo } | null> {
    const streams = wantedStreams(shown);
    try {
      const read = await this.#manager.processes.output(target.id, {
        run: target.run,
        start: { offset: from },
        maxBytes: Math.max(1, Math.ceil(maxBytes)),
        signal,
        ...(streams && { streams }),
      });
      return { window: windowFromRead(read, from), output: read.output };
    } catch (error) {
      if (!signal.aborted && !isConnectionError(error)) {
        const notice = { level: "error" as const, text: errorText(error) };
        this.#store.dispatch({ type: "toast", notice, now: Date.now() });
      }
      return null;
    }
  }

  async #tail(view: LogView, bytes: number, signal: AbortSignal): Promise<{ window: LogWindow; output: OutputInfo }> {
    const streams = wantedStreams(view.streams);
    const read = await this.#manager.processes.output(view.target.id, {
      run: view.target.run,
      start: { tailBytes: bytes },
      maxBytes: bytes * 2,
      signal,
      ...(streams && { streams }),
    });
    const from = read.chunks[0]?.offset ?? read.nextOffset;
    return { window: windowFromRead(read, from), output: read.output };
  }

  async #fill(view: LogView, wanted: LogRead, signal: AbortSignal): Promise<void> {
    this.#reading = true;
    const read = await this.#read(view, wanted.from, wanted.to - wanted.from, signal);
    if (signal.aborted) {
      return;
    }
    if (read) {
      this.#apply(view, { type: "log-read", read: read.window, output: read.output });
    } else {
      await sleep(500, signal);
    }
    this.#reading = false;
  }

  /** Looks through history for the filter and the search until the live output takes over. */
  async #scan(view: LogView, signal: AbortSignal): Promise<void> {
    this.#scanning = true;
    for (;;) {
      const { log } = this.#store.state;
      const from = neededScan(log);
      if (from === null || signal.aborted) {
        break;
      }
      const read = await this.#read(view, from, READ_BYTES, signal);
      if (!read || signal.aborted) {
        break;
      }
      this.#apply(view, { type: "log-scanned", read: read.window, output: read.output });
      // A filter's lines are waited for; matches are only counted.
      await sleep(log.filtered ? SCAN_MS : COUNT_MS, signal);
    }
    if (!signal.aborted) {
      this.#scanning = false;
    }
  }

  async #follow(view: LogView, signal: AbortSignal): Promise<void> {
    await sleep(SETTLE_MS, signal);
    let resumeAt: number | null = null;
    while (!signal.aborted) {
      try {
        resumeAt = await this.#stream(view, resumeAt, signal);
        if (resumeAt === null) {
          return;
        }
        resumeAt = await this.#skim(view, signal);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        const reason = errorReason(error);
        if (reason === "PROCESS_NOT_FOUND" || reason === "RUN_NOT_FOUND") {
          this.#apply(view, { type: "log-gone" });
          return;
        }
        if (reason === "OFFSET_OUT_OF_RANGE") {
          resumeAt = null;
        }
        await sleep(1000, signal);
      }
    }
  }

  /** Streams; returns null at the end of the output, or where to go on when it comes too fast. */
  async #stream(view: LogView, resumeAt: number | null, signal: AbortSignal): Promise<number | null> {
    const { target } = view;
    const source = new LiveSource(view);
    const streams = wantedStreams(view.streams);
    // Of one stream it is to be known at once whether there is anything: nothing may come for a long time.
    const from = resumeAt ?? (streams ? await this.#streamTail(view, streams, source, signal) : null);
    const stream = this.#manager.processes.stream(target.id, {
      run: target.run,
      follow: true,
      start: from === null ? { tailBytes: TAIL_BYTES } : { offset: from },
      signal,
      ...(streams && { streams }),
    });
    // What there is at first is shown at once, not as it happens to arrive.
    let whole = 0;
    let allowed = BURST_BYTES;
    let before = performance.now();
    for await (const frame of stream) {
      switch (frame.type) {
        case "opened":
          if (resumeAt !== null || from === null) {
            source.from = frame.startOffset;
            source.to = frame.startOffset;
          }
          whole = from === null ? frame.output.nextOffset : 0;
          this.#apply(view, { type: "log-opened", output: frame.output });
          break;
        case "chunk": {
          const end = frame.offset + frame.data.length;
          const { stream: name, offset, time, data } = frame;
          source.reached(offset);
          source.items.push({ kind: "data", stream: name, offset, end, time: time.getTime(), data });
          source.bytes += data.length;
          allowed -= data.length;
          source.to = end;
          break;
        }
        case "gap":
          source.items.push({ kind: "gap", offset: frame.from, end: frame.to });
          allowed -= frame.to - frame.from;
          source.to = frame.to;
          break;
        case "heartbeat":
          source.reached(frame.nextOffset);
          break;
        case "end":
          source.reached(frame.finalOffset);
          source.complete = frame.reason !== "snapshot";
          break;
      }
      source.changed = true;
      if (signal.aborted) {
        return null;
      }
      if (source.to >= whole || frame.type === "end" || allowed < 0) {
        this.#store.post(source);
      }
      if (source.bytes > BACKLOG_BYTES) {
        await this.#store.nextFrame();
      }
      const now = performance.now();
      allowed = Math.min(BURST_BYTES, allowed + ((now - before) / 1000) * SKIM_RATE);
      before = now;
      if (allowed < 0) {
        return source.to;
      }
    }
    return null;
  }

  /** Brings the newest lines of one stream; returns where to go on. */
  async #streamTail(
    view: LogView,
    streams: readonly OutputStreamName[],
    source: LiveSource,
    signal: AbortSignal,
  ): Promise<number> {
    const read = await this.#manager.processes.output(view.target.id, {
      run: view.target.run,
      start: { tailLines: STREAM_LINES },
      streams,
      signal,
    });
    const from = read.gap?.from ?? read.chunks[0]?.offset ?? read.nextOffset;
    const window = windowFromRead(read, from);
    source.from = from;
    source.to = window.to;
    source.items = [...window.items];
    source.changed = true;
    this.#apply(view, { type: "log-opened", output: read.output });
    this.#store.post(source);
    return window.to;
  }

  /** Reads only the newest, a frame at a time, until it comes slowly again; returns where to go on. */
  async #skim(view: LogView, signal: AbortSignal): Promise<number> {
    const source = new LiveSource(view);
    source.skimming = true;
    let before: { time: number; next: number } | null = null;
    for (;;) {
      const { window, output } = await this.#tail(view, SKIM_BYTES, signal);
      const time = performance.now();
      source.from = window.from;
      source.to = window.to;
      source.items = [...window.items];
      const slow =
        output.complete ||
        (before !== null &&
          time - before.time > SLOW_MS &&
          ((output.nextOffset - before.next) / (time - before.time)) * 1000 < SKIM_RATE / 2);
      if (before === null || time - before.time > SLOW_MS) {
        before = { time, next: output.nextOffset };
      }
      source.skimming = !slow;
      source.changed = true;
      this.#store.post(source);
      if (slow) {
        return window.to;
      }
      await sleep(SKIM_MS, signal);
      if (signal.aborted) {
        return window.to;
      }
    }
  }
}
