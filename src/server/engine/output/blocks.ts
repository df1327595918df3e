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
const leastBytes = 64 * 1024;
/** What a read takes while many blocks are out: their readers are slow, and there may be hundreds of them. */
const frugalBytes = 16 * 1024;
const outMost = 8;
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

export class Blocks {
  readonly #idle: Buffer[] = [];
  #out = 0;
  #timer: NodeJS.Timeout | undefined;

  /** How much to read at once. */
  get readBytes(): number {
    return this.#out < outMost ? blockBytes : frugalBytes;
  }

  /** Null: not from here. */
  take(bytes: number): Block | null {
    if (bytes < leastBytes || bytes > blockBytes + roomBytes) return null;
    this.#out++;
    const memory = this.#idle.pop() ?? Buffer.allocUnsafeSlow(blockBytes + roomBytes);
    return new Block(memory, (block, isReusable) => this.#give(block, isReusable));
  }

  #give(block: Block, isReusable: boolean): void {
    this.#out--;
    if (!isReusable || this.#idle.length >= idleMost) return;
    this.#idle.push(block.bytes);
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#trim(), idleMs).unref();
    else this.#timer.refresh();
  }

  #trim(): void {
    this.#idle.length = 0;
    this.#timer = undefined;
  }
}
