/**
 * Memory that reads fill one behind the other, so that what comes from the
 * socket is neither copied nor allocated piece by piece.
 */

const slabBytes = 1024 * 1024;
/** The least room for a read. */
export const leastReadBytes = 64 * 1024;
const idleMost = 2;

/** Filled once, or again and again: then not before everything that was found in it was given back. */
export class Slab {
  readonly bytes = Buffer.allocUnsafeSlow(slabBytes);
  filled = 0;
  users = 0;
}

export class Slabs {
  readonly #reuses: boolean;
  readonly #idle: Slab[] = [];
  #current: Slab | undefined;

  /** @param reuses a slab whose users are gone is filled again */
  constructor(reuses: boolean) {
    this.#reuses = reuses;
  }

  room(): Buffer {
    if (this.#current === undefined || slabBytes - this.#current.filled < leastReadBytes) {
      this.#next();
    }
    return (this.#current as Slab).bytes.subarray(this.#current?.filled);
  }

  /** What was read into the last `room()`. */
  take(length: number): Buffer {
    const slab = this.#current as Slab;
    const from = slab.filled;
    slab.filled += length;
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
    if (slab.users === 0 && slab !== this.#current) {
      this.#retire(slab);
    }
  }

  #next(): Slab {
    const last = this.#current;
    const slab = this.#idle.shift() ?? new Slab();
    slab.filled = 0;
    this.#current = slab;
    // Only now: whoever reads may still have the end of it, until the next read.
    if (last !== undefined && last.users === 0) {
      this.#retire(last);
    }
    return slab;
  }

  #retire(slab: Slab): void {
    if (this.#reuses && this.#idle.length < idleMost) {
      this.#idle.push(slab);
    }
  }
}
