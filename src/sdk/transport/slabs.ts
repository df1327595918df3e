/**
 * Memory that reads from a socket fill one behind the other, so that what is
 * read is neither copied nor allocated piece by piece.
 */

/** Small, since a chunk that somebody keeps holds a whole slab. */
const slabBytes = 512 * 1024;
/** Large where they are used again: a message that spans two of them is copied. */
const reusedSlabBytes = 2 * 1024 * 1024;
/** The least room for a read. */
const leastReadBytes = 64 * 1024;

interface Slab {
  readonly bytes: Buffer;
  /** Messages in it that somebody may still look at. */
  messages: number;
}

/**
 * Without `reuse` what was read is never written again. With it a slab is filled
 * again once every message in it was let go of: a gigabyte then costs no new
 * memory, where collecting it took half of the reader's time.
 */
export class Slabs {
  readonly #reuse: boolean;
  readonly #size: number;
  #current: Slab | undefined;
  #at = 0;
  /** In the order in which they were left. */
  readonly #left: Slab[] = [];

  constructor(reuse: boolean) {
    this.#reuse = reuse;
    this.#size = reuse ? reusedSlabBytes : slabBytes;
  }

  room(): Buffer {
    if (this.#current === undefined || this.#size - this.#at < leastReadBytes) {
      this.#change();
    }
    return (this.#current as Slab).bytes.subarray(this.#at);
  }

  /** What was read into {@link room}. */
  take(length: number): Buffer {
    const from = this.#at;
    this.#at += length;
    return (this.#current as Slab).bytes.subarray(from, this.#at);
  }

  /** Somebody was given a message; it may lie in memory that is not from here. */
  hold(message: Buffer): void {
    this.#count(message, 1);
  }

  /** Nobody looks at the message any longer. */
  letGo(message: Buffer): void {
    this.#count(message, -1);
  }

  #change(): void {
    // Not the one that is left now: the beginning of a message at its end is copied with the next read only.
    const free = this.#left.findIndex(({ messages }) => messages === 0);
    const [slab] = free < 0 ? [] : this.#left.splice(free, 1);
    if (this.#reuse && this.#current !== undefined) {
      this.#left.push(this.#current);
    }
    this.#current = slab ?? { bytes: Buffer.allocUnsafeSlow(this.#size), messages: 0 };
    this.#at = 0;
  }

  #count(message: Buffer, change: number): void {
    if (!this.#reuse) {
      return;
    }
    const slab = [this.#current, ...this.#left].find((one) => one?.bytes.buffer === message.buffer);
    if (slab !== undefined) {
      slab.messages += change;
    }
  }
}
