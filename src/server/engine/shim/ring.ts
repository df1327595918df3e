import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { entryLayout, PAGE, RING_MAGIC, RingFlag, ringLayout, type StreamNumber } from "./layout.ts";
import { uuidFromBytes } from "./uuid.ts";

/** The header of a ring; `struct pm_ring` says what each field means. */
export interface RingHeader {
  /** False until the shim has published the ring: every other field is then 0. */
  readonly published: boolean;
  readonly version: number;
  /** One of `RunState`. */
  readonly state: number;
  /** Bits of `RingFlag`. */
  readonly flags: number;
  readonly outputComplete: boolean;
  readonly treeGone: boolean;
  readonly done: boolean;
  readonly stdinClosed: boolean;
  readonly shrunk: boolean;
  readonly run: number;
  readonly uuid: string;
  readonly shimPid: number;
  readonly childPid: number;
  /** Clock ticks since boot. */
  readonly shimStart: bigint;
  /** Clock ticks since boot. */
  readonly childStart: bigint;
  readonly reserve: number;
  /** The offset that the next byte of output will have. */
  readonly written: number;
  readonly dataOffset: number;
  readonly dataSize: number;
  readonly indexOffset: number;
  readonly indexSize: number;
  readonly entryCount: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** Nanoseconds since the epoch; 0n: not yet. So are `exited` and `finished`. */
  readonly started: bigint;
  readonly exited: bigint;
  readonly finished: bigint;
  /** As wait4(2) gave it. */
  readonly waitStatus: number;
  /** One of `Step`, 0: none. */
  readonly failStep: number;
  readonly failErrno: number;
  readonly failPath: number;
  readonly userMicros: number;
  readonly systemMicros: number;
  readonly maxResidentKib: number;
  readonly controlSeq: number;
  readonly controlErrno: number;
}

/** Bytes of one stream that were read at one time. */
export interface RingChunk {
  readonly stream: StreamNumber;
  readonly offset: number;
  /** Microseconds since the epoch. */
  readonly timeMicros: number;
  /** At most 64 KiB. */
  readonly data: Buffer;
}

export interface RingRead {
  /** What was asked for and is no longer kept. */
  readonly gap: { readonly from: number; readonly to: number } | null;
  readonly chunks: readonly RingChunk[];
  /** Where to read on. */
  readonly nextOffset: number;
}

interface Entry {
  readonly offset: number;
  readonly timeMicros: number;
  readonly stream: StreamNumber;
}

const CHUNK_LIMIT = 64 * 1024;
/** Entries looked at in one read: bounds the work when the output came byte by byte. */
const ENTRY_LIMIT = 1024;
const TAIL_WINDOW = 256 * 1024;
const NEWLINE = 0x0a;

const pause = new Int32Array(new SharedArrayBuffer(4));

function decodeHeader(b: Buffer): RingHeader {
  const l = ringLayout;
  const number = (at: number): number => Number(b.readBigUInt64LE(at));
  const flags = b.readUInt32LE(l.flags);
  return {
    published: b.readBigUInt64LE(l.magic) === RING_MAGIC,
    version: b.readUInt32LE(l.version),
    state: b.readUInt32LE(l.state),
    flags,
    outputComplete: (flags & RingFlag.outputComplete) !== 0,
    treeGone: (flags & RingFlag.treeGone) !== 0,
    done: (flags & RingFlag.done) !== 0,
    stdinClosed: (flags & RingFlag.stdinClosed) !== 0,
    shrunk: (flags & RingFlag.shrunk) !== 0,
    run: b.readUInt32LE(l.run),
    uuid: uuidFromBytes(b, l.uuid),
    shimPid: b.readUInt32LE(l.shim_pid),
    childPid: b.readUInt32LE(l.child_pid),
    shimStart: b.readBigUInt64LE(l.shim_start),
    childStart: b.readBigUInt64LE(l.child_start),
    reserve: number(l.reserve),
    written: number(l.written),
    dataOffset: number(l.data_offset),
    dataSize: number(l.data_size),
    indexOffset: number(l.index_offset),
    indexSize: number(l.index_size),
    entryCount: number(l.entry_count),
    stdoutBytes: number(l.stdout_bytes),
    stderrBytes: number(l.stderr_bytes),
    started: b.readBigUInt64LE(l.started),
    exited: b.readBigUInt64LE(l.exited),
    finished: b.readBigUInt64LE(l.finished),
    waitStatus: b.readInt32LE(l.wait_status),
    failStep: b.readUInt32LE(l.fail_step),
    failErrno: b.readInt32LE(l.fail_errno),
    failPath: b.readUInt32LE(l.fail_path),
    userMicros: number(l.user_usec),
    systemMicros: number(l.system_usec),
    maxResidentKib: number(l.max_rss_kib),
    controlSeq: b.readUInt32LE(l.control_seq),
    controlErrno: b.readInt32LE(l.control_errno),
  };
}

/**
 * A run's output ring, read with pread(2) while the shim writes it. Reads are
 * synchronous: memory copies out of tmpfs, bounded by the caller's `maxBytes`.
 */
export class Ring {
  readonly #fd: number;
  readonly #header = Buffer.alloc(ringLayout.size);
  /** The odd `seq` of a shim that died while it changed the header. */
  #stuckSeq = 0;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws a Node system error, ENOENT if the shim has made no ring (yet). */
  static open(path: string): Ring {
    return new Ring(openSync(path, constants.O_RDWR | constants.O_NOFOLLOW));
  }

  /** One consistent snapshot. */
  header(): RingHeader {
    const bytes = this.#header;
    // A writer may lose the processor between making `seq` odd and even. One that
    // was killed there leaves it odd for good: after that its fields, each of
    // which is written whole, are the best there is.
    for (let attempt = 0; attempt < 100; attempt++) {
      const length = readSync(this.#fd, bytes, 0, bytes.length, 0);
      bytes.fill(0, length);
      const seq = bytes.readUInt32LE(ringLayout.seq);
      const isStuck = (seq & 1) === 1 && seq === this.#stuckSeq;
      if (isStuck || ((seq & 1) === 0 && this.#seq() === seq)) {
        return decodeHeader(bytes);
      }
      if (attempt >= 50) {
        Atomics.wait(pause, 0, 0, 1);
      }
    }
    const seq = bytes.readUInt32LE(ringLayout.seq);
    this.#stuckSeq = (seq & 1) === 1 ? seq : 0;
    return decodeHeader(bytes);
  }

  #seq(): number {
    const bytes = Buffer.alloc(4);
    readSync(this.#fd, bytes, 0, 4, ringLayout.seq);
    return bytes.readUInt32LE(0);
  }

  /** The offset of the oldest byte that is still kept. */
  firstOffset(header: RingHeader = this.header()): number {
    let now = header;
    for (;;) {
      const oldest = now.entryCount - now.indexSize;
      const byData = Math.max(0, now.reserve - now.dataSize);
      if (oldest <= 0) {
        return Math.min(byData, now.written);
      }
      const entry = this.#entries(now, oldest, 1)[0];
      const after = this.header();
      if (entry && after.entryCount === now.entryCount) {
        return Math.min(Math.max(byData, entry.offset), now.written);
      }
      now = after;
    }
  }

  /**
   * What is kept of the output from `from` on, at most `maxBytes` and at most
   * what 1,024 index entries cover: go on at `nextOffset` until that equals
   * `written`. A chunk never spans two entries.
   */
  read(from: number, maxBytes: number): RingRead {
    let start = from;
    for (let attempt = 0; ; attempt++) {
      const header = this.header();
      start = Math.max(start, this.firstOffset(header));
      const copied = start < header.written ? this.#copy(header, start, maxBytes) : [];
      // What was overwritten during the copy is not believed.
      const first = this.firstOffset();
      const chunks = copied.flatMap((chunk) => {
        const lost = Math.max(0, first - chunk.offset);
        return lost >= chunk.data.length
          ? []
          : [{ ...chunk, offset: chunk.offset + lost, data: chunk.data.subarray(lost) }];
      });
      if (copied.length > 0) {
        start = Math.max(start, first);
      }
      const last = chunks.at(-1);
      if (!last && copied.length > 0 && attempt < 3) {
        continue;
      }
      return {
        gap: start > from ? { from, to: start } : null,
        chunks,
        nextOffset: last ? last.offset + last.data.length : start,
      };
    }
  }

  #copy(header: RingHeader, start: number, maxBytes: number): RingChunk[] {
    const at = this.#find(header, (entry) => entry.offset <= start) - 1;
    const entries = at < 0 ? [] : this.#entries(header, at, ENTRY_LIMIT);
    const beyond = at + entries.length < header.entryCount ? entries.pop()?.offset : undefined;
    const end = Math.min(beyond ?? header.written, start + maxBytes);
    if (end <= start) {
      return [];
    }
    const data = this.#data(header, start, end);
    const chunks: RingChunk[] = [];
    for (const [index, entry] of entries.entries()) {
      const entryEnd = Math.min(entries[index + 1]?.offset ?? end, end);
      for (let offset = Math.max(entry.offset, start); offset < entryEnd; offset += CHUNK_LIMIT) {
        const chunkEnd = Math.min(offset + CHUNK_LIMIT, entryEnd);
        chunks.push({
          stream: entry.stream,
          offset,
          timeMicros: entry.timeMicros,
          data: data.subarray(offset - start, chunkEnd - start),
        });
      }
    }
    return chunks;
  }

  /**
   * Where the last `lines` lines of the given streams begin (none given: all
   * streams). A last line without a newline counts. Scans backward in windows of
   * 256 KiB and lets other work run in between.
   */
  async tailLines(lines: number, streams: readonly StreamNumber[], signal?: AbortSignal): Promise<number> {
    const end = this.header().written;
    if (lines <= 0) {
      return end;
    }
    let left = lines;
    // The oldest byte seen so far of these streams.
    let following: number | null = null;
    for (let windowEnd = end; ; ) {
      const first = this.firstOffset();
      const windowStart = Math.max(first, windowEnd - TAIL_WINDOW);
      if (windowEnd <= windowStart) {
        return Math.min(first, end);
      }
      for (const chunk of this.#window(windowStart, windowEnd).reverse()) {
        if (streams.length > 0 && !streams.includes(chunk.stream)) {
          continue;
        }
        for (let search = chunk.data.length - 1; search >= 0; search--) {
          search = chunk.data.lastIndexOf(NEWLINE, search);
          if (search < 0) {
            break;
          }
          // The newline that ends the last line begins no other.
          const next: number | null = search === chunk.data.length - 1 ? following : chunk.offset + search + 1;
          if (next !== null && --left === 0) {
            return next;
          }
        }
        following = chunk.offset;
      }
      windowEnd = windowStart;
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    }
  }

  #window(from: number, to: number): RingChunk[] {
    const chunks: RingChunk[] = [];
    for (let at = from; at < to; ) {
      const read = this.read(at, to - at);
      chunks.push(...read.chunks);
      if (read.nextOffset === at) {
        break;
      }
      at = read.nextOffset;
    }
    // A gap can jump over `to`.
    return chunks.filter((chunk) => chunk.offset < to);
  }

  /** The offset of the first output that was read at or after `time`, nanoseconds since the epoch. */
  offsetSince(time: bigint): number {
    for (;;) {
      const header = this.header();
      const at = this.#find(header, (entry) => BigInt(entry.timeMicros) * 1000n < time);
      const entry = at < header.entryCount ? this.#entries(header, at, 1)[0] : undefined;
      const after = this.header();
      if (!entry) {
        return header.written;
      }
      if (at >= after.entryCount - after.indexSize) {
        return Math.max(entry.offset, this.firstOffset(after));
      }
    }
  }

  /** Bytes of memory (tmpfs) that the ring occupies. */
  allocatedBytes(): number {
    return fstatSync(this.#fd).blocks * 512;
  }

  /**
   * Asks for one output event at the next growth of `written`. Read the header
   * once more after this and before waiting, so that no growth is missed.
   */
  arm(): void {
    writeSync(this.#fd, Uint8Array.of(1, 0, 0, 0), 0, 4, ringLayout.want);
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** The number of the first entry for which `before` is false; entries are sorted. */
  #find(header: RingHeader, before: (entry: Entry) => boolean): number {
    let low = Math.max(0, header.entryCount - header.indexSize);
    let high = header.entryCount;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const entry = this.#entries(header, middle, 1)[0];
      if (entry && before(entry)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Entries from number `at` on, at most `count` and at most what there is. */
  #entries(header: RingHeader, at: number, count: number): Entry[] {
    const total = Math.min(count, header.entryCount - at);
    const bytes = this.#circular(header.indexOffset, header.indexSize * entryLayout.size, at * 16, total * 16);
    return Array.from({ length: total }, (_, index) => {
      const base = index * entryLayout.size;
      const timeStream = bytes.readBigUInt64LE(base + entryLayout.time_stream);
      return {
        offset: Number(bytes.readBigUInt64LE(base + entryLayout.offset)),
        timeMicros: Number(timeStream >> 2n),
        stream: Number(timeStream & 3n) as StreamNumber,
      };
    });
  }

  #data(header: RingHeader, from: number, to: number): Buffer {
    return this.#circular(header.dataOffset, header.dataSize, from, to - from);
  }

  #circular(base: number, size: number, from: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const position = (from + done) % size;
      const part = Math.min(length - done, size - position);
      const got = readSync(this.#fd, bytes, done, part, base + position);
      // The file has its full length before the ring is published.
      if (got === 0) {
        throw new Error(`ring file is shorter than its header says (page size ${PAGE})`);
      }
      done += got;
    }
    return bytes;
  }
}
