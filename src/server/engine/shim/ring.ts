import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { entryLayout, ringLayout, type StreamNumber } from "./layout.ts";
import { RingUnreadableError } from "./ring-errors.ts";
import {
  checkHeader,
  checkPlaces,
  checkVersion,
  decodeHeader,
  decodePlaces,
  isPublished,
  type RingHeader,
  type RingPlaces,
  readNumber,
} from "./ring-header.ts";
import { processState } from "./shim-process.ts";

/** Bytes of one stream that were read at one time. */
export interface RingChunk {
  readonly stream: StreamNumber;
  readonly offset: number;
  /** Microseconds since the epoch. */
  readonly timeMicros: number;
  /** At most 256 KiB. */
  readonly data: Buffer;
  /** Bytes before `data` in its buffer that are nobody's. */
  readonly headroom: number;
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

/** A part of an entry's bytes. */
interface Span {
  readonly entry: Entry;
  readonly offset: number;
  readonly bytes: number;
}

/** As the contract's. */
const CHUNK_LIMIT = 256 * 1024;
/** Entries looked at in one read: bounds the work when the output came byte by byte. */
const ENTRY_LIMIT = 1024;
/** Entries looked at first: a flood has one for each millisecond. */
const ENTRIES_FIRST = 16;
/** For whoever puts something in front of a chunk, so that it need not be copied. */
const HEADROOM = 64;
/** Chunks from this size on have room before them; smaller ones lie side by side. */
const APART_BYTES = 16 * 1024;
const TAIL_WINDOW = 256 * 1024;
const NEWLINE = 0x0a;

/** Looks at a header that changes, before anything else is tried. */
const LOOKS = 32;
/** A living shim needs some nanoseconds for a change, but may have lost the processor. */
const WAITS = 50;
const WAIT_MS = 1;
/** How often a reader that was overtaken by the writer begins again. */
const RETRIES = 100;
const OVERTAKEN_ENTRIES = 32;

/** For all rings: nothing that is read into them is needed when a method returns. */
const headerBytes = Buffer.alloc(ringLayout.size);
const seqBytes = Buffer.alloc(4);
let entryBytes = Buffer.alloc(ENTRIES_FIRST * entryLayout.size);

const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * The odd `seq` at which a shim was found dead, or did not go on in time: nobody
 * waits for it again. By shim, since rings are opened again and again.
 */
const stuck = new Map<string, number>();
const STUCK_MOST = 1024;

function rememberStuck(shim: string, seq: number): void {
  stuck.delete(shim);
  stuck.set(shim, seq);
  for (const oldest of stuck.keys()) {
    if (stuck.size <= STUCK_MOST) {
      break;
    }
    stuck.delete(oldest);
  }
}

/**
 * A run's output ring, read with pread(2) while the shim writes it. Reads are
 * synchronous: memory copies out of tmpfs, bounded by the caller's `maxBytes`.
 * Every field is checked before it is used: each method throws
 * RingUnreadableError or RingVersionError rather than believe a garbled file.
 */
export class Ring {
  readonly #fd: number;
  /** The file has its full length before the ring is published. */
  #fileSize = 0;
  /** The entry in which the last read ended: most reads go on there. */
  #lastEntry = 0;
  /** The `seq` of the last header that was consistent; -1: there was none. */
  #seen = -1;
  /** That header. */
  #last: RingHeader | null = null;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * @param path Of the run's file, or of a shim's own descriptor of it
   * (proc_pid_fd(5)) where the file's name is gone.
   * @throws a Node system error, ENOENT if the shim has made no ring (yet).
   */
  static open(path: string): Ring {
    const isDescriptor = path.startsWith("/proc/");
    return new Ring(openSync(path, constants.O_RDWR | (isDescriptor ? 0 : constants.O_NOFOLLOW)));
  }

  /**
   * One consistent snapshot. An empty file counts as not yet published: a shim
   * makes it so.
   *
   * @throws RingUnreadableError; RingVersionError.
   */
  header(): RingHeader {
    // Somebody may have cut the file of a ring that is kept open.
    this.#fileSize = 0;
    return this.#header();
  }

  #header(): RingHeader {
    this.#seen = -1;
    const torn = this.#snapshot();
    const header = decodeHeader(headerBytes);
    if (torn !== null) {
      checkHeader(header, headerBytes, this.#fileSize, torn);
      if (!torn) {
        this.#seen = headerBytes.readUInt32LE(ringLayout.seq);
        this.#last = header;
      }
    }
    return header;
  }

  /** The last header, if it is still right. */
  #currentHeader(): RingHeader {
    return this.#last !== null && this.isUnchanged() ? this.#last : this.#header();
  }

  /**
   * Whether `header` would answer what it did last: the shim counts every change
   * in `seq`. Costs a read of four bytes.
   */
  isUnchanged(): boolean {
    return this.#seen >= 0 && this.#seq() === this.#seen;
  }

  /** As `header`, of what whoever reads output stands on. */
  #places(): RingPlaces {
    const torn = this.#snapshot();
    const places = decodePlaces(headerBytes);
    if (torn !== null) {
      checkPlaces(places, this.#fileSize, torn);
    }
    return places;
  }

  /** Reads the header. Null: it is not published; true: it is not consistent, see `#settle`. */
  #snapshot(): boolean | null {
    const bytes = headerBytes;
    const length = this.#readHeader();
    if (!isPublished(bytes)) {
      return null;
    }
    if (length < bytes.length) {
      throw new RingUnreadableError("file size", length, `at least ${bytes.length}`);
    }
    checkVersion(bytes);
    const torn = !this.#settle();
    if (this.#fileSize === 0) {
      this.#fileSize = fstatSync(this.#fd).size;
    }
    return torn;
  }

  #readHeader(): number {
    const length = readSync(this.#fd, headerBytes, 0, headerBytes.length, 0);
    headerBytes.fill(0, length);
    return length;
  }

  /**
   * Reads the header again until the shim is not in the middle of a change, or
   * will not come out of it: it was killed or stopped there. Then its fields, each
   * of which is written whole, are the best there is.
   *
   * @returns whether the header is consistent.
   */
  #settle(): boolean {
    const bytes = headerBytes;
    for (let attempt = 0; ; attempt++) {
      const seq = bytes.readUInt32LE(ringLayout.seq);
      if ((seq & 1) === 0 && this.#seq() === seq) {
        return true;
      }
      const isOdd = (seq & 1) === 1;
      const pid = bytes.readUInt32LE(ringLayout.shim_pid);
      const start = bytes.readBigUInt64LE(ringLayout.shim_start);
      const shim = `${pid}/${start}`;
      if (isOdd && stuck.get(shim) === seq) {
        return false;
      }
      if (attempt === LOOKS && isOdd) {
        const state = processState(pid, start);
        if (state === "gone") {
          rememberStuck(shim, seq);
        }
        if (state !== "alive") {
          return false;
        }
      }
      if (attempt >= LOOKS + WAITS) {
        if (isOdd) {
          rememberStuck(shim, seq);
        }
        return false;
      }
      if (attempt >= LOOKS) {
        Atomics.wait(pause, 0, 0, WAIT_MS);
      }
      this.#readHeader();
    }
  }

  /** -1: the file is shorter than that. */
  #seq(): number {
    return readSync(this.#fd, seqBytes, 0, 4, ringLayout.seq) === 4 ? seqBytes.readUInt32LE(0) : -1;
  }

  /** The offset of the oldest byte that is still kept. @throws as `header`. */
  firstOffset(header: RingPlaces = this.#places()): number {
    let now = header;
    for (let attempt = 0; attempt < RETRIES; attempt++) {
      const oldest = now.entryCount - now.indexSize;
      if (oldest <= 0) {
        return Math.min(Math.max(0, now.reserve - now.dataSize), now.written);
      }
      // More and more of them, since the writer may drop one after the other meanwhile.
      const entries = this.#entries(now, oldest, attempt * OVERTAKEN_ENTRIES + 1);
      now = this.#places();
      const entry = entries[now.entryCount - now.indexSize - oldest];
      if (entry) {
        return Math.min(Math.max(entry.offset, now.reserve - now.dataSize), now.written);
      }
    }
    // A writer that drops entries faster than they can be looked at keeps nothing for long.
    return now.written;
  }

  /**
   * What is kept of the output from `from` on, at most `maxBytes` and at most
   * what 1,024 index entries cover: go on at `nextOffset` until that equals
   * `written`. A chunk never spans two entries.
   *
   * @param allocate Makes the memory that the output is copied to. Default: new memory.
   */
  read(from: number, maxBytes: number, allocate: (bytes: number) => Buffer = Buffer.allocUnsafe): RingRead {
    let start = from;
    for (let attempt = 0; ; attempt++) {
      const header = this.#currentHeader();
      const oldest = this.firstOffset(header);
      start = Math.max(start, oldest);
      const copied = start < header.written ? this.#copy(header, start, maxBytes, allocate) : [];
      // What was overwritten during the copy is not believed. A header that is the same says the same.
      const first = this.isUnchanged() ? oldest : this.firstOffset();
      const isWhole = first <= start;
      const chunks = isWhole ? copied : copied.flatMap((chunk) => withoutLost(chunk, first));
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

  #copy(header: RingPlaces, start: number, maxBytes: number, allocate: (bytes: number) => Buffer): RingChunk[] {
    const at = this.#entryOf(header, start);
    // Before the oldest: its place in the ring is the newest entry's.
    if (at < Math.max(0, header.entryCount - header.indexSize)) {
      return [];
    }
    let entries = this.#entries(header, at, ENTRIES_FIRST);
    if (at + entries.length < header.entryCount && (entries.at(-1)?.offset ?? 0) < start + maxBytes) {
      entries = this.#entries(header, at, ENTRY_LIMIT);
    }
    const beyond = at + entries.length < header.entryCount ? entries.pop()?.offset : undefined;
    const end = Math.min(beyond ?? header.written, start + maxBytes);
    if (end <= start) {
      return [];
    }
    const spans = this.#spans(entries, at, start, end);
    const large = spans.reduce((sum, { bytes }) => sum + (bytes >= APART_BYTES ? 1 : 0), 0);
    const memory = allocate(end - start + (large + 1) * HEADROOM);
    let filled = HEADROOM;
    const chunks = spans.map(({ entry, offset, bytes }, index): RingChunk => {
      const isApart = index > 0 && bytes >= APART_BYTES;
      filled += isApart ? HEADROOM : 0;
      const data = memory.subarray(filled, filled + bytes);
      filled += bytes;
      const headroom = index === 0 || isApart ? HEADROOM : 0;
      return { stream: entry.stream, offset, timeMicros: entry.timeMicros, data, headroom };
    });
    this.#scatter(chunks, header, start);
    return chunks;
  }

  /** The entries' bytes from `start` to `end`, in pieces that a chunk may have. */
  #spans(entries: readonly Entry[], at: number, start: number, end: number): Span[] {
    const spans: Span[] = [];
    for (const [index, entry] of entries.entries()) {
      if (entry.offset >= end) {
        break;
      }
      this.#lastEntry = at + index;
      const entryEnd = Math.min(entries[index + 1]?.offset ?? end, end);
      for (let offset = Math.max(entry.offset, start); offset < entryEnd; offset += CHUNK_LIMIT) {
        spans.push({ entry, offset, bytes: Math.min(CHUNK_LIMIT, entryEnd - offset) });
      }
    }
    return spans;
  }

  /** Fills the chunks with what begins at `from`: few calls, however many chunks there are. */
  #scatter(chunks: readonly RingChunk[], header: RingPlaces, from: number): void {
    let at = from;
    for (let index = 0; index < chunks.length; ) {
      // What lies side by side in memory, too.
      const first = chunks[index++];
      let bytes = first?.data.length ?? 0;
      for (; chunks[index]?.headroom === 0; index++) {
        bytes += chunks[index]?.data.length ?? 0;
      }
      const { buffer = new ArrayBuffer(0), byteOffset = 0 } = first?.data ?? {};
      this.#circular(Buffer.from(buffer, byteOffset, bytes), header.dataOffset, header.dataSize, at);
      at += bytes;
    }
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
    for (let attempt = 0; ; attempt++) {
      const header = this.header();
      const at = this.#find(header, (entry) => BigInt(entry.timeMicros) * 1000n < time);
      const entry = at < header.entryCount ? this.#entries(header, at, 1)[0] : undefined;
      const after = this.header();
      if (!entry) {
        return header.written;
      }
      if (at >= after.entryCount - after.indexSize || attempt === RETRIES) {
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

  /** The number of the entry that holds this offset. */
  #entryOf(header: RingPlaces, offset: number): number {
    const last = this.#lastEntry;
    if (last >= header.entryCount - header.indexSize && last < header.entryCount) {
      const [here, next] = this.#entries(header, last, 2);
      if (here !== undefined && here.offset <= offset) {
        if (next === undefined || offset < next.offset) {
          return last;
        }
        if (next.offset === offset) {
          return last + 1;
        }
      }
    }
    return this.#find(header, (entry) => entry.offset <= offset) - 1;
  }

  /** The number of the first entry for which `before` is false; entries are sorted. */
  #find(header: RingPlaces, before: (entry: Entry) => boolean): number {
    let low = Math.max(0, header.entryCount - header.indexSize);
    let high = header.entryCount;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const entry = this.#entries(header, middle, 1)[0];
      // Beyond the end of that time: an old entry that was overwritten meanwhile.
      if (entry && (entry.offset >= header.written || before(entry))) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /**
   * Entries from number `at` on, at most `count` and at most what there is. Those
   * that the shim has dropped meanwhile may be anything.
   *
   * @throws RingUnreadableError if one that is kept makes no sense.
   */
  #entries(header: RingPlaces, at: number, count: number): Entry[] {
    const total = Math.min(count, header.entryCount - at);
    const { size } = entryLayout;
    if (entryBytes.length < total * size) {
      entryBytes = Buffer.alloc(total * size);
    }
    const bytes = entryBytes.subarray(0, total * size);
    this.#circular(bytes, header.indexOffset, header.indexSize * size, at * size);
    const entries: Entry[] = [];
    for (let base = 0; base < bytes.length; base += size) {
      const low = bytes.readUInt32LE(base + entryLayout.time_stream);
      const high = bytes.readUInt32LE(base + entryLayout.time_stream + 4);
      entries.push({
        offset: readNumber(bytes, base + entryLayout.offset),
        timeMicros: high * 2 ** 30 + (low >>> 2),
        stream: (low & 3) as StreamNumber,
      });
    }
    const wrong = firstWrong(entries, header);
    if (wrong >= 0) {
      const now = this.#places();
      if (at >= now.entryCount - now.indexSize) {
        const { offset, stream } = entries[wrong] ?? { offset: 0, stream: 0 };
        const place = `index entry ${at + wrong}`;
        throw new RingUnreadableError(place, `offset ${offset}, stream ${stream}`, "offsets that grow, streams 1 to 3");
      }
    }
    return entries;
  }

  /** Fills `bytes` with what begins at `from` of a circle of `size` bytes at `base`. */
  #circular(bytes: Buffer, base: number, size: number, from: number): void {
    const { length } = bytes;
    for (let done = 0; done < length; ) {
      const position = (from + done) % size;
      const part = Math.min(length - done, size - position);
      const got = readSync(this.#fd, bytes, done, part, base + position);
      if (got === 0) {
        throw new RingUnreadableError("file size", base + position, `more than ${base + position}`);
      }
      done += got;
    }
  }
}

/** What of a chunk lies at or after `first`. */
function withoutLost(chunk: RingChunk, first: number): RingChunk[] {
  const lost = Math.max(0, first - chunk.offset);
  if (lost >= chunk.data.length) {
    return [];
  }
  return [{ ...chunk, offset: chunk.offset + lost, data: chunk.data.subarray(lost), headroom: chunk.headroom + lost }];
}

/** The place of the first entry that cannot be right; -1: none. */
function firstWrong(entries: readonly Entry[], header: RingPlaces): number {
  let previous = -1;
  return entries.findIndex(({ offset, stream }) => {
    const isRight =
      Number.isSafeInteger(offset) && offset > previous && offset <= header.written && (stream as number) !== 0;
    previous = offset;
    return !isRight;
  });
}
