/**
 * Memory that output is copied to on its way to one client. New memory for each
 * read would cost the daemon more than everything else that it does with output:
 * V8 collects its whole heap after some ten megabytes of buffers, and the
 * processor's cache has none of them. Measured: 0.3 s of processor time for
 * reading a gigabyte, against 0.6 to 1.2 s with new memory for each read.
 */

/** What one read takes, with room before its chunks. */
export const blockBytes = 256 * 1024;
const roomBytes = 4 * 1024;
/** Reads below this size are not worth a block. */
const leastBytes = 4 * 1024;
/** What a read takes for a reader that has not shown yet that it reads: there may be hundreds that do not. */
const frugalBytes = 16 * 1024;
/** So much, beyond what sockets and windows hold, a reader has taken by then. */
const provenBytes = 1024 * 1024;
/** While so many blocks are out, further reads are frugal too. */
const outMost = 16;
/** Blocks that wait for the next reader, and for how long, in milliseconds. */
const idleMost = 8;
const idleMs = 5_000;

/**
 * A block and those who still need what is in it. Whoever does not say that it
 * is done only keeps the memory from being used again: nothing is overwritten
 * that somebody may read.
 */
export class Block {
  readonly bytes: Buffer;
  readonly #onFree: (block: Block, isReusable: boolean) => void;
  #users = 1;
  #isReusable = true;

  constructor(bytes: Buffer, onFree: (block: Block, isReusable: boolean) => void) {
    this.bytes = bytes;
    this.#onFree = onFree;
  }

  /** One more needs it. */
  share(): void {
    this.#users++;
  }

  /** One of its users is done with it. */
  release(): void {
    if (--this.#users === 0) this.#onFree(this, this.#isReusable);
  }

  /** Somebody may need it for as long as they like. */
  keep(): void {
    this.#isReusable = false;
  }
}

interface Size {
  readonly bytes: number;
  readonly idle: Buffer[];
  out: number;
}

export class Blocks {
  readonly #frugal: Size = { bytes: frugalBytes + roomBytes, idle: [], out: 0 };
  readonly #large: Size = { bytes: blockBytes + roomBytes, idle: [], out: 0 };
  #timer: NodeJS.Timeout | undefined;

  /**
   * How much to read at once.
   *
   * @param takenBytes what the reader has taken so far
   */
  readBytes(takenBytes: number): number {
    return takenBytes >= provenBytes && this.#large.out < outMost ? blockBytes : frugalBytes;
  }

  /** Null: not from here. */
  take(bytes: number): Block | null {
    const size = bytes <= this.#frugal.bytes ? this.#frugal : this.#large;
    if (bytes < leastBytes || bytes > size.bytes) return null;
    size.out++;
    const memory = size.idle.pop() ?? Buffer.allocUnsafeSlow(size.bytes);
    return new Block(memory, (block, isReusable) => this.#give(size, block, isReusable));
  }

  #give(size: Size, block: Block, isReusable: boolean): void {
    size.out--;
    if (!isReusable || size.idle.length >= idleMost) return;
    size.idle.push(block.bytes);
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#trim(), idleMs).unref();
    else this.#timer.refresh();
  }

  #trim(): void {
    this.#frugal.idle.length = 0;
    this.#large.idle.length = 0;
    this.#timer = undefined;
  }
}
