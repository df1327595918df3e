import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";
import { eventLayout } from "./layout.ts";
import { uuidFromBytes } from "./uuid.ts";

/** A hint that a ring has changed; the ring is the truth. */
export interface ShimEvent {
  readonly uuid: string;
  readonly run: number;
  /** Bits of `EventKind`. */
  readonly kinds: number;
}

const bufferBytes = 64 * 1024;

type OnEvent = (event: ShimEvent) => void;
type OnError = (error: Error) => void;

/**
 * The FIFOs that shims write events to: usually one. Shims that were started
 * below a runtime directory that has been removed since write to that one's.
 */
export class EventSources {
  readonly #fifos = new Map<number, EventFifo>();
  readonly #onEvent: OnEvent;
  readonly #onError: OnError;

  constructor(onEvent: OnEvent, onError: OnError) {
    this.#onEvent = onEvent;
    this.#onError = onError;
  }

  /** @throws a Node system error if it cannot be opened. */
  add(path: string): void {
    const fifo = new EventFifo(path, this.#onEvent, this.#onError);
    if (this.#fifos.has(fifo.inode)) fifo.close();
    else this.#fifos.set(fifo.inode, fifo);
  }

  close(): void {
    for (const fifo of this.#fifos.values()) fifo.close();
    this.#fifos.clear();
  }
}

/**
 * The daemon's end of the events FIFO. Open it when the zygote, which makes
 * the file, is ready, and before reading any ring that is to be followed.
 */
export class EventFifo {
  readonly inode: number;
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  readonly #onEvent: OnEvent;

  /** @throws a Node system error if the FIFO cannot be opened. */
  constructor(path: string, onEvent: OnEvent, onError: OnError) {
    this.#onEvent = onEvent;
    // New memory for each event of 24 bytes, 64 KiB of it, would keep V8 busy collecting it.
    const buffer = Buffer.allocUnsafeSlow(bufferBytes);
    const callback = (bytes: number): boolean => {
      this.#take(buffer.subarray(0, bytes));
      return true;
    };
    // O_RDWR (Linux, fifo(7)): with a writer of its own it never sees end of file.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      this.inode = fstatSync(fd).ino;
      this.#socket = new Socket({ fd, readable: true, writable: false, onread: { buffer, callback } });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#socket.on("error", onError);
  }

  #take(data: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, data]) : data;
    let at = 0;
    for (; at + eventLayout.size <= bytes.length; at += eventLayout.size) {
      this.#onEvent({
        uuid: uuidFromBytes(bytes, at + eventLayout.uuid),
        run: bytes.readUInt32LE(at + eventLayout.run),
        kinds: bytes.readUInt32LE(at + eventLayout.kinds),
      });
    }
    if (this.#rest.length > 0 || at < bytes.length) this.#rest = Buffer.from(bytes.subarray(at));
  }

  close(): void {
    this.#socket.destroy();
  }
}
