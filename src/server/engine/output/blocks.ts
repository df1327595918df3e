/**
 * Memory that output is copied to on its way to one client. New memory for each
 * read would cost the daemon more than everything else that it does with output:
 * V8 collects its whole heap after some ten megabytes of buffers, and the
 * processor's cache has none of them. Measured: 0.3 s of processor time for
 * reading a gigabyte, against 0.6 to 1.2 s with new memory for each read.
 */

/** The most that one read takes. With what stands before its chunks it fits into a Unix socket (wmem_default: 208 KiB). */
export const blockBytes = 192 * 1024;
/** For the room before chunks. */
const roomBytes = 4 * 1024;
/** Reads below this size are not worth a block. */
const leastBytes = 4 * 1024;
/**
 * What a read takes, by what its reader has taken so far: there may be hundreds
 * that have come and do not read, and what sockets and windows hold, each takes.
 * While too many blocks of a size are out, reads are smaller.
 */
const steps = [
  { readBytes: 16 * 1024, takenBytes: 0, outMost: Number.POSITIVE_INFINITY },
  { readBytes: 64 * 1024, takenBytes: 128 * 1024, outMost: 64 },
  { readBytes: blockBytes, takenBytes: 1024 * 1024, outMost: 16 },
] as const;
/** Blocks of a size that wait for the next reader, and for how long, in milliseconds. */
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

class Size {
  readonly readBytes: number;
  readonly takenBytes: number;
  readonly outMost: number;
  readonly idle: Buffer[] = [];
  out = 0;

  constructor({ readBytes, takenBytes, outMost }: (typeof steps)[number]) {
    this.readBytes = readBytes;
    this.takenBytes = takenBytes;
    this.outMost = outMost;
  }

  get bytes(): number {
    return this.readBytes + roomBytes;
  }
}

export class Blocks {
  /** The smallest first. */
  readonly #sizes = steps.map((step) => new Size(step));
  #timer: NodeJS.Timeout | undefined;

  /**
   * How much to read at once.
   *
   * @param takenBytes what the reader has taken so far
   */
  readBytes(takenBytes: number): number {
    const size = this.#sizes.findLast((step) => takenBytes >= step.takenBytes && step.out < step.outMost);
    return size?.readBytes ?? steps[0].readBytes;
  }

  /** Null: not from here. */
  take(bytes: number): Block | null {
    const size = this.#sizes.find((one) => bytes <= one.bytes);
    if (size === undefined || bytes < leastBytes) return null;
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
    for (const { idle } of this.#sizes) idle.length = 0;
    this.#timer = undefined;
  }
}
