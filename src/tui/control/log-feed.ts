import type { ProcessManager } from "../../sdk/manager.ts";
import type { OutputInfo, OutputRead } from "../../sdk/types.ts";
import type { Action } from "../store/action.ts";
import {
  type LogRead,
  type LogState,
  matches,
  neededRead,
  neededScan,
  READ_BYTES,
  wantedStreams,
} from "../store/log.ts";
import { type LogItem, type LogWindow, lineAt, windowOf } from "../store/log-window.ts";
import { errorReason, errorText, sleep } from "./errors.ts";
import { FRAME_MS, type Source, type Store } from "./store.ts";

/** How much of the newest output is shown when a process is opened. Bytes. */
const TAIL_BYTES = 128 << 10;
/** A selection that is still moving opens nothing. Milliseconds. */
const SETTLE_MS = 60;
/** Output that is collected before a frame must take it. Bytes. */
const BACKLOG_BYTES = 512 << 10;
/** Above this rate only the newest output is read. Bytes per second. */
const SKIM_RATE = 6 << 20;
/** Over how long the rate is measured. Milliseconds. */
const RATE_MS = 500;
/** How much is read each time while skimming, and how often. */
const SKIM_BYTES = 32 << 10;
const SKIM_MS = FRAME_MS + 5;
/** How much a search looks through at a time. Bytes. */
const SEARCH_BYTES = 512 << 10;
/** At least so long between reads of a filter's scan. Milliseconds. */
const SCAN_MS = 20;

/** Live output, collected between frames. */
class LiveSource implements Source {
  from = 0;
  to = 0;
  bytes = 0;
  items: LogItem[] = [];
  complete = false;
  skimming = false;
  changed = false;

  drain(): Action | null {
    if (!this.changed) {
      return null;
    }
    this.changed = false;
    const more = windowOf(this.from, this.to, this.items);
    this.from = this.to;
    this.items = [];
    this.bytes = 0;
    return { type: "log-live", more, complete: this.complete, skimming: this.skimming };
  }
}

/** A read as a window. */
function windowFromRead(read: OutputRead, from: number): LogWindow {
  const items: LogItem[] = [];
  if (read.gap) {
    items.push({ kind: "gap", offset: read.gap.from, end: read.gap.to });
  }
  for (const { stream, offset, time, data } of read.chunks) {
    items.push({ kind: "data", stream, offset, end: offset + data.length, time: time.getTime(), data });
  }
  return windowOf(from, read.nextOffset, items);
}

/** Brings the output that the log pane shows: live by one stream, history by reads. */
export class LogFeed {
  readonly #manager: ProcessManager;
  readonly #store: Store;
  #key = "";
  #abort = new AbortController();
  #reading = false;
  #scanning = false;

  constructor(manager: ProcessManager, store: Store) {
    this.#manager = manager;
    this.#store = store;
  }

  /** Asks for what the state shows. */
  changed(log: LogState): void {
    const key = log.target ? `${log.target.id} ${log.target.run} ${log.streams}` : "";
    if (key !== this.#key) {
      this.#key = key;
      this.#abort.abort();
      this.#abort = new AbortController();
      this.#reading = false;
      this.#scanning = false;
      if (log.target) {
        void this.#follow(log, this.#abort.signal);
      }
      return;
    }
    const read = neededRead(log);
    if (read && !this.#reading) {
      void this.#fill(log, read, this.#abort.signal);
    }
    if (!this.#scanning && neededScan(log) !== null) {
      void this.#scan(this.#abort.signal);
    }
  }

  close(): void {
    this.#key = "";
    this.#abort.abort();
  }

  /** Reads the beginning of what is kept. */
  async readStart(log: LogState): Promise<void> {
    const read = await this.#read(log, 0, READ_BYTES, this.#abort.signal);
    if (read) {
      this.#apply(log, {
        type: "log-jump",
        read: read.window,
        output: read.output,
        position: { offset: read.window.items[0]?.offset ?? 0, row: 0 },
      });
    }
  }

  /** Reads the end of it. */
  async readEnd(log: LogState): Promise<void> {
    const { target } = log;
    if (!target) {
      return;
    }
    try {
      const read = await this.#tail(log, TAIL_BYTES, this.#abort.signal);
      this.#apply(log, { type: "log-jump", read: read.window, output: read.output, position: null });
    } catch {
      // The connection: the banner says so.
    }
  }

  /** Looks for the next line that fits. */
  async search(log: LogState, from: number, direction: "forwards" | "backwards"): Promise<void> {
    const { signal } = this.#abort;
    const notFound: Action = { type: "log-not-found", now: Date.now(), direction };
    const { pattern } = log;
    if (!pattern) {
      return;
    }
    let at = from;
    for (let first = true; !signal.aborted; first = false) {
      const start = direction === "forwards" ? at : Math.max(0, at - SEARCH_BYTES);
      const length = direction === "forwards" ? SEARCH_BYTES : at - start;
      const read = length > 0 ? await this.#read(log, start, length, signal) : null;
      if (!read) {
        this.#apply(log, notFound);
        return;
      }
      const { window, output } = read;
      let found: number | null = null;
      let next = window.to;
      let firstNext: number | null = null;
      for (let line = lineAt(window, window.from); line; line = lineAt(window, line.next)) {
        firstNext ??= line.next;
        if (direction === "backwards" && line.offset >= at) {
          break;
        }
        if (!line.ended && direction === "forwards" && window.to < output.nextOffset && line.offset > start) {
          next = line.offset;
          break;
        }
        const skip = direction === "forwards" && first && line.offset <= from;
        if (!skip && matches(pattern, line)) {
          found = line.offset;
          if (direction === "forwards") {
            break;
          }
        }
      }
      if (found !== null) {
        await this.#found(log, found, signal);
        return;
      }
      if (direction === "forwards") {
        if (next <= at || window.to >= output.nextOffset) {
          this.#apply(log, notFound);
          return;
        }
        at = next;
      } else {
        const kept = Math.max(start, output.firstOffset);
        if (kept <= output.firstOffset || start === 0) {
          this.#apply(log, notFound);
          return;
        }
        // The first line of the window may have begun before it.
        at = firstNext !== null && firstNext < at ? firstNext : start;
      }
      // Between two reads others have their turn.
      await sleep(0, signal);
    }
  }

  /** Reads what is around a match and goes there. */
  async #found(log: LogState, offset: number, signal: AbortSignal): Promise<void> {
    const from = Math.max(0, offset - READ_BYTES / 2);
    const read = await this.#read(log, from, READ_BYTES, signal);
    if (read) {
      this.#apply(log, { type: "log-found", read: read.window, output: read.output, offset });
    }
  }

  /** Dispatches if the same output is still on view. */
  #apply(log: LogState, action: Action): void {
    const { target, streams } = this.#store.state.log;
    if (target?.id === log.target?.id && target?.run === log.target?.run && streams === log.streams) {
      this.#store.dispatch(action);
    }
  }

  async #read(
    log: LogState,
    from: number,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<{ window: LogWindow; output: OutputInfo } | null> {
    const { target } = log;
    if (!target) {
      return null;
    }
    const streams = wantedStreams(log.streams);
    try {
      const read = await this.#manager.output(target.id, {
        run: target.run,
        start: { offset: from },
        maxBytes: Math.max(1, Math.ceil(maxBytes)),
        signal,
        ...(streams && { streams }),
      });
      return { window: windowFromRead(read, from), output: read.output };
    } catch (error) {
      if (!signal.aborted && errorReason(error) !== "DISCONNECTED" && errorReason(error) !== "UNREACHABLE") {
        this.#store.dispatch({ type: "toast", level: "error", text: errorText(error), now: Date.now() });
      }
      return null;
    }
  }

  async #tail(log: LogState, bytes: number, signal: AbortSignal): Promise<{ window: LogWindow; output: OutputInfo }> {
    const streams = wantedStreams(log.streams);
    const read = await this.#manager.output(log.target?.id ?? "", {
      run: log.target?.run ?? 0,
      start: { tailBytes: bytes },
      maxBytes: bytes * 2,
      signal,
      ...(streams && { streams }),
    });
    const from = read.gap?.from ?? read.chunks[0]?.offset ?? read.nextOffset;
    return { window: windowFromRead(read, from), output: read.output };
  }

  async #fill(log: LogState, wanted: LogRead, signal: AbortSignal): Promise<void> {
    this.#reading = true;
    const read = await this.#read(log, wanted.from, wanted.to - wanted.from, signal);
    if (signal.aborted) {
      return;
    }
    if (read) {
      this.#apply(log, { type: "log-read", read: read.window, output: read.output });
    } else {
      await sleep(500, signal);
    }
    this.#reading = false;
  }

  /** Looks through history for the filter until the live output takes over. */
  async #scan(signal: AbortSignal): Promise<void> {
    this.#scanning = true;
    for (;;) {
      const { log } = this.#store.state;
      const from = neededScan(log);
      if (from === null || signal.aborted) {
        break;
      }
      const read = await this.#read(log, from, READ_BYTES, signal);
      if (!read || signal.aborted) {
        break;
      }
      const { filtered } = this.#store.state.log;
      if (filtered?.pattern === log.filtered?.pattern && filtered?.context === log.filtered?.context) {
        this.#apply(log, { type: "log-scanned", read: read.window, output: read.output });
      }
      await sleep(SCAN_MS, signal);
    }
    if (!signal.aborted) {
      this.#scanning = false;
    }
  }

  async #follow(log: LogState, signal: AbortSignal): Promise<void> {
    await sleep(SETTLE_MS, signal);
    let resumeAt: number | null = null;
    while (!signal.aborted) {
      try {
        resumeAt = await this.#stream(log, resumeAt, signal);
        if (resumeAt === null) {
          return;
        }
        resumeAt = await this.#skim(log, signal);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        const reason = errorReason(error);
        if (reason === "PROCESS_NOT_FOUND" || reason === "RUN_NOT_FOUND") {
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
  async #stream(log: LogState, resumeAt: number | null, signal: AbortSignal): Promise<number | null> {
    const { target } = log;
    if (!target) {
      return null;
    }
    const source = new LiveSource();
    const streams = wantedStreams(log.streams);
    const stream = this.#manager.stream(target.id, {
      run: target.run,
      follow: true,
      start: resumeAt === null ? { tailBytes: TAIL_BYTES } : { offset: resumeAt },
      signal,
      ...(streams && { streams }),
    });
    let rateFrom = performance.now();
    let rateBytes = 0;
    for await (const frame of stream) {
      switch (frame.type) {
        case "opened":
          source.from = frame.startOffset;
          source.to = frame.startOffset;
          this.#apply(log, { type: "log-opened", target, output: frame.output });
          break;
        case "chunk": {
          const end = frame.offset + frame.data.length;
          const { stream: name, offset, time, data } = frame;
          source.items.push({ kind: "data", stream: name, offset, end, time: time.getTime(), data });
          source.bytes += data.length;
          rateBytes += data.length;
          source.to = end;
          break;
        }
        case "gap":
          source.items.push({ kind: "gap", offset: frame.from, end: frame.to });
          rateBytes += frame.to - frame.from;
          source.to = frame.to;
          break;
        case "heartbeat":
          source.to = Math.max(source.to, frame.nextOffset);
          break;
        case "end":
          source.to = Math.max(source.to, frame.finalOffset);
          source.complete = frame.reason !== "snapshot";
          break;
      }
      source.changed = true;
      if (signal.aborted) {
        return null;
      }
      this.#store.post(source);
      if (source.bytes > BACKLOG_BYTES) {
        await this.#store.nextFrame();
      }
      const elapsed = performance.now() - rateFrom;
      if (elapsed > RATE_MS) {
        if ((rateBytes / elapsed) * 1000 > SKIM_RATE) {
          return source.to;
        }
        rateFrom = performance.now();
        rateBytes = 0;
      }
    }
    return null;
  }

  /** Reads only the newest, a frame at a time, until it comes slowly again; returns where to go on. */
  async #skim(log: LogState, signal: AbortSignal): Promise<number> {
    const source = new LiveSource();
    source.skimming = true;
    let before: { time: number; next: number } | null = null;
    for (;;) {
      const { window, output } = await this.#tail(log, SKIM_BYTES, signal);
      const time = performance.now();
      source.from = window.from;
      source.to = window.to;
      source.items = [...window.items];
      const slow =
        output.complete ||
        (before !== null &&
          time - before.time > RATE_MS &&
          ((output.nextOffset - before.next) / (time - before.time)) * 1000 < SKIM_RATE / 2);
      if (before === null || time - before.time > RATE_MS) {
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
