import { write, writeSync } from "node:fs";

/** How soon a non-blocking terminal that was full is tried again. Milliseconds. */
const RETRY_MS = 5;

/**
 * Writes to a terminal without blocking the event loop: a terminal that reads
 * slowly (a remote shell, a suspended emulator) must not keep keys waiting.
 * Writes are made one after another on the thread pool, because Node's own
 * streams write to a terminal synchronously
 * (https://nodejs.org/api/process.html#a-note-on-process-io).
 */
export class TerminalOutput {
  readonly #fd: number;
  readonly #onFailure: (error: Error) => void;
  #queue: Buffer[] = [];
  /** Until everything is written; a terminal that is full is being written to. */
  #writing = false;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  #waiting: (() => void)[] = [];

  /** `onFailure` is told once when the terminal is gone. */
  constructor(fd: number, onFailure: (error: Error) => void) {
    this.#fd = fd;
    this.#onFailure = onFailure;
  }

  /** Whether something is still being written: draw the next frame later. */
  get busy(): boolean {
    return this.#writing;
  }

  write(text: string): void {
    if (this.#closed || text === "") {
      return;
    }
    this.#queue.push(Buffer.from(text));
    this.#next();
  }

  /** Writes bytes as they are; resolves when the terminal has taken them, or never will. */
  send(data: Uint8Array): Promise<void> {
    if (this.#closed || data.length === 0) {
      return Promise.resolve();
    }
    this.#queue.push(Buffer.from(data.buffer, data.byteOffset, data.length));
    this.#next();
    return new Promise((resolve) => this.whenIdle(resolve));
  }

  /** Calls back when everything is written, at once if it is. */
  whenIdle(callback: () => void): void {
    if (this.#writing && !this.#closed) {
      this.#waiting.push(callback);
    } else {
      callback();
    }
  }

  /** Writes now, before anything that waits, which is dropped: for leaving the terminal. */
  writeNow(text: string): void {
    this.#queue = [];
    const data = Buffer.from(text);
    let offset = 0;
    // A full terminal answers EAGAIN if its description is non-blocking; a bounded number of tries, as nobody may read.
    for (let tries = 0; offset < data.length && tries < 1000; tries++) {
      try {
        offset += writeSync(this.#fd, data, offset);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") {
          return;
        }
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#queue = [];
    clearTimeout(this.#retry);
    this.#idle();
  }

  #idle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) {
      callback();
    }
  }

  #next(): void {
    if (!this.#writing) {
      this.#writing = true;
      this.#writeFirst();
    }
  }

  #writeFirst(): void {
    // `writeNow` begins another queue: what is left of this one is dropped.
    const queue = this.#queue;
    const data = queue.shift();
    if (!data) {
      this.#writing = false;
      this.#idle();
      return;
    }
    write(this.#fd, data, (error, written) => {
      if (this.#closed) {
        return;
      }
      if (error && error.code !== "EAGAIN") {
        this.close();
        this.#onFailure(error);
        return;
      }
      const count = error ? 0 : written;
      if (count < data.length) {
        queue.unshift(data.subarray(count));
      }
      if (error) {
        this.#retry = setTimeout(() => this.#writeFirst(), RETRY_MS);
      } else {
        this.#writeFirst();
      }
    });
  }
}
