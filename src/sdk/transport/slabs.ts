/**
 * Memory that reads fill one behind the other, so that what comes from the
 * socket is neither copied nor allocated piece by piece.
 */

const slabBytes = 1024 * 1024;
/** The least room for a read. */
export const leastReadBytes = 64 * 1024;
/** Memory that waits for the next stream, and for how long, in milliseconds. */
const idleMost = 3;
const idleMs = 5_000;

/** For what still comes after the end. Not empty: Node.js's TLS would try again and again to read something into that. */
const unwanted = Buffer.allocUnsafeSlow(4096);

/**
 * New memory for each stream would cost more than all the rest of a short one:
 * V8 collects its whole heap after some ten megabytes of buffers.
 */
const idle: Buffer[] = [];
let idleTimer: NodeJS.Timeout | undefined;

function keepIdle(bytes: Buffer): void {
  if (idle.length >= idleMost) {
    return;
  }
  idle.push(bytes);
  if (idleTimer === undefined) {
    idleTimer = setTimeout(() => {
      idle.length = 0;
      idleTimer = undefined;
    }, idleMs).unref();
  } else {
    idleTimer.refresh();
  }
}

/** Filled once, or given back: then not before everything that was found in it was given back. */
export class Slab {
  readonly bytes: Buffer;
  filled = 0;
  users = 0;
  /** Nothing more is read into it, and whoever takes what is read apart is done with it. */
  isFull = false;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

export class Slabs {
  readonly #reuses: boolean;
  #current: Slab | undefined;
  /** No longer the current one; the end of it may belong to what the next read brings. */
  #last: { readonly slab: Slab; readonly reads: number } | undefined;
  #reads = 0;
  #isClosed = false;

  /** @param reuses a slab whose users are gone is filled again, by this stream or another one */
  constructor(reuses: boolean) {
    this.#reuses = reuses;
  }

  room(): Buffer {
    if (this.#isClosed) {
      return unwanted;
    }
    if (this.#last !== undefined && this.#last.reads < this.#reads) {
      this.#leave(this.#last.slab);
      this.#last = undefined;
    }
    if (this.#current === undefined || slabBytes - this.#current.filled < leastReadBytes) {
      this.#next();
    }
    return (this.#current as Slab).bytes.subarray(this.#current?.filled);
  }

  /** What was read into the last `room()`. */
  take(length: number): Buffer {
    if (this.#isClosed) {
      return unwanted.subarray(0, length);
    }
    const slab = this.#current as Slab;
    const from = slab.filled;
    slab.filled += length;
    this.#reads += 1;
    return slab.bytes.subarray(from, slab.filled);
  }

  /**
   * The beginning of something that is `length` bytes long, where the rest of it
   * will lie behind it: moved to a new slab if there is no room for it in this one.
   */
  placed(begun: Buffer, length: number): Buffer {
    const missing = length - begun.length;
    const slab = this.#current;
    if (
      slab === undefined ||
      slab.bytes.buffer !== begun.buffer ||
      slabBytes - slab.filled >= missing + leastReadBytes ||
      length + leastReadBytes > slabBytes
    ) {
      return begun;
    }
    const next = this.#next();
    next.filled = begun.copy(next.bytes);
    return next.bytes.subarray(0, next.filled);
  }

  /** The slab of what was just read, which somebody has from now on. */
  use(bytes: Buffer): Slab | undefined {
    const slab = this.#current;
    if (!this.#reuses || slab?.bytes.buffer !== bytes.buffer) {
      return undefined;
    }
    slab.users += 1;
    return slab;
  }

  release(slab: Slab): void {
    slab.users -= 1;
    this.#retire(slab);
  }

  /** Nothing more is read. What is used is given back when it is released. */
  close(): void {
    this.#isClosed = true;
    for (const slab of [this.#last?.slab, this.#current]) {
      if (slab !== undefined) {
        this.#leave(slab);
      }
    }
    this.#last = undefined;
    this.#current = undefined;
  }

  #next(): Slab {
    const slab = new Slab((this.#reuses ? idle.pop() : undefined) ?? Buffer.allocUnsafeSlow(slabBytes));
    if (this.#last !== undefined) {
      // Two within one read: for once one is not used again.
      this.#last = undefined;
    }
    if (this.#current !== undefined) {
      this.#last = { slab: this.#current, reads: this.#reads };
    }
    this.#current = slab;
    return slab;
  }

  #leave(slab: Slab): void {
    slab.isFull = true;
    this.#retire(slab);
  }

  #retire(slab: Slab): void {
    if (this.#reuses && slab.isFull && slab.users === 0) {
      keepIdle(slab.bytes);
    }
  }
}
