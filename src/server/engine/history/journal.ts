import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { EngineLogger } from "../logger.ts";
import type { Quarantine } from "../quarantine.ts";
import { encodeEntry, type JournalEntry, type NewEntry } from "./entry.ts";
import {
  decodeSegment,
  encodeHeader,
  encodeRecord,
  headerSize,
  type SegmentContents,
  SegmentError,
} from "./segment.ts";

export interface JournalLimits {
  /** Bytes of all segments together. Default: 4 MiB; at least 128 KiB. */
  readonly bytes: number;
  /** Entries of all segments together. Default: 50,000. */
  readonly entries: number;
}

export interface JournalOptions {
  /** Is made if it is missing. */
  readonly directory: string;
  readonly limits: JournalLimits;
  readonly clock: Clock;
  readonly logger: EngineLogger;
  readonly quarantine: Quarantine;
}

export interface JournalRead {
  /** Entries that were dropped or lost where the reading begins. */
  readonly gap: { readonly from: number; readonly to: number } | null;
  readonly entries: readonly JournalEntry[];
}

interface Segment {
  /** Empty: in memory only. */
  readonly path: string;
  readonly first: number;
  readonly entries: JournalEntry[];
  /** Where the next record would go, and how long the file is. */
  readonly end: number;
  length: number;
}

const segmentCount = 4;
const leastSegmentBytes = 32 * 1024;
/** Kept ahead of what is written, so that a full file system leaves room for some hundred entries. */
const reserveBytes = 64 * 1024;
/** What waits for room to be written. Older ones are lost to the next daemon, not to this one. */
const maxPending = 10_000;
/** How long entries are gathered: a write costs as much as the rest of a transition. */
const gatherMs = 2;
/** A full file system is not tried again for each entry. */
const retryMs = 100;
/**
 * Where the end of the journal cannot be known, numbers go on this much later:
 * one that somebody was told and that is not on record is then never used again.
 */
const unknownEnd = 1 << 20;
/** More than can have been gathered. */
const unwritten = 1 << 16;
const maxDetail = 512;

/**
 * What happened to the processes, in order: it outlives the daemon, is bounded,
 * and drops its oldest part first. Entries are gathered for some milliseconds and
 * written together, or at once by `flush`: a request is on record before it is
 * carried out. What a killed daemon had not written is found again by the next
 * one, for the rings and records tell it.
 *
 * Where the file system is full, entries stay in memory until there is room.
 */
export class Journal {
  /** A UUID, made anew when a journal begins. */
  readonly identity: string;
  readonly #options: JournalOptions;
  readonly #segmentBytes: number;
  readonly #segmentEntries: number;
  readonly #segments: Segment[] = [];
  readonly #listeners = new Set<() => void>();
  #sequence = 0;
  /** Entries up to here may be missing. */
  #incomplete = 0;
  #count = 0;
  #fd = -1;
  /** Where the next record goes. */
  #position = 0;
  /** Records before that. */
  #written = 0;
  /** The file is this long, zeros included. */
  #allocated = 0;
  #pending: JournalEntry[] = [];
  #scheduled: NodeJS.Timeout | null = null;
  /** The last write failed, and the header says so. */
  #failing = false;
  #failedAt = 0;
  #closed = false;

  /** Opens the journal, or begins one. Never fails: what cannot be read is set aside. */
  constructor(options: JournalOptions) {
    this.#options = options;
    this.#segmentBytes = Math.max(leastSegmentBytes, Math.floor(options.limits.bytes / segmentCount));
    this.#segmentEntries = Math.max(1, Math.floor(options.limits.entries / segmentCount));
    this.identity = this.#readAll() ?? randomUUID();
    this.#mark({});
  }

  /** The number of the last entry. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Everything after this number is there. */
  get completeAfter(): number {
    return this.#incomplete;
  }

  /** The number of the oldest entry that is kept; 0: there is none. */
  get firstSequence(): number {
    for (const { entries } of this.#segments) {
      const [first] = entries;
      if (first !== undefined) return first.sequence;
    }
    return 0;
  }

  /** How much memory it holds. */
  get bytes(): number {
    const earlier = this.#segments.slice(0, -1).reduce((sum, { length }) => sum + length, 0);
    return earlier + Math.max(this.#allocated, this.#segments.at(-1)?.length ?? 0);
  }

  /** Goes on after this number: it was given by a journal that is no more. */
  skipTo(sequence: number): void {
    if (sequence <= this.#sequence) return;
    this.#sequence = sequence;
    this.#incomplete = sequence;
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  append(entry: NewEntry): JournalEntry {
    const { clock } = this.#options;
    const whole: JournalEntry = {
      ...entry,
      cause: { ...entry.cause, detail: shorten(entry.cause.detail) },
      sequence: ++this.#sequence,
      timeMicros: Number(clock.wall() / 1000n),
      bootMs: clock.boot(),
    };
    this.#keep(whole);
    this.#pending.push(whole);
    this.#scheduled ??= setTimeout(() => this.flush(), gatherMs).unref();
    return whole;
  }

  /** Writes what waits to be written: what is acted upon next is on record. */
  flush(): void {
    if (this.#scheduled !== null) clearTimeout(this.#scheduled);
    this.#scheduled = null;
    if (this.#pending.length === 0 || this.#closed) return;
    if (this.#failing && performance.now() - this.#failedAt < retryMs) {
      if (this.#pending.length > maxPending * 1.25) this.#pending.splice(0, this.#pending.length - maxPending);
    } else {
      this.#writePending();
    }
    for (const listener of this.#listeners) listener();
  }

  #writePending(): void {
    const batch = this.#pending;
    this.#pending = [];
    let from = 0;
    while (from < batch.length) {
      const written = this.#write(batch, from);
      if (written === 0) break;
      from += written;
    }
    if (from === batch.length) {
      this.#recovered();
      return;
    }
    this.#failedAt = performance.now();
    this.#pending = batch.slice(Math.max(from, batch.length - maxPending));
  }

  /** Entries after a sequence number, oldest first, at most `most` of them. */
  read(after: number, most = Number.POSITIVE_INFINITY): JournalRead {
    const entries: JournalEntry[] = [];
    for (const segment of this.#segments) {
      if ((segment.entries.at(-1)?.sequence ?? 0) <= after) continue;
      for (let at = firstAfter(segment.entries, after); at < segment.entries.length && entries.length < most; at++) {
        const entry = segment.entries[at];
        if (entry !== undefined) entries.push(entry);
      }
    }
    const gap = after < this.#incomplete ? { from: after + 1, to: this.#incomplete } : null;
    return { gap, entries };
  }

  /** Whether this is the number of an entry after which all that followed is known. */
  knows(sequence: number): boolean {
    if (sequence === this.#incomplete) return true;
    if (sequence < this.#incomplete) return false;
    for (const { entries } of this.#segments) {
      if ((entries.at(-1)?.sequence ?? 0) < sequence) continue;
      return entries[firstAfter(entries, sequence) - 1]?.sequence === sequence;
    }
    return false;
  }

  /** Every entry that is kept, oldest first. */
  *all(): Generator<JournalEntry, void, undefined> {
    for (const { entries } of this.#segments) yield* entries;
  }

  /** Calls `listener` when entries were written; the result ends that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    if (this.#closed) return;
    if (this.#scheduled !== null) clearTimeout(this.#scheduled);
    this.#writePending();
    if (this.#pending.length === 0) this.#mark({ closed: true });
    this.#closed = true;
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
    this.#listeners.clear();
  }

  #keep(entry: JournalEntry): void {
    let last = this.#segments.at(-1);
    if (last === undefined) {
      last = { path: "", first: entry.sequence, entries: [], end: 0, length: 0 };
      this.#segments.push(last);
    }
    last.entries.push(entry);
    this.#count++;
    while (this.#count > this.#options.limits.entries && this.#segments.length > 1) this.#dropOldest();
    // A segment that cannot be followed by another one, as nothing can be written. Cut in batches.
    const excess = this.#count - this.#options.limits.entries;
    if (excess > this.#options.limits.entries / 4) {
      this.#incomplete = last.entries.splice(0, excess).at(-1)?.sequence ?? this.#incomplete;
      this.#count -= excess;
    }
  }

  /** Writes entries from `from` on into one segment; answers how many. */
  #write(batch: readonly JournalEntry[], from: number): number {
    const first = batch[from];
    if (first === undefined) return 0;
    if (this.#fd < 0 && !this.#startSegment(first.sequence)) return 0;
    const parts: Buffer[] = [];
    let size = 0;
    let index = from;
    for (; index < batch.length; index++) {
      const entry = batch[index];
      const bytes = entry === undefined ? null : encodeRecord(encodeEntry(entry));
      if (bytes === null) continue;
      const begun = this.#position + size > headerSize;
      const full = this.#position + size + bytes.length > this.#segmentBytes;
      if (begun && (full || this.#written + parts.length >= this.#segmentEntries)) break;
      parts.push(bytes);
      size += bytes.length;
    }
    if (parts.length === 0) {
      if (index === batch.length) return index - from;
      return this.#startSegment(first.sequence) ? this.#write(batch, from) : 0;
    }
    return this.#put(Buffer.concat(parts), parts.length) ? index - from : 0;
  }

  #put(bytes: Buffer, count: number): boolean {
    for (;;) {
      try {
        this.#reserve(bytes.length);
        writeWhole(this.#fd, bytes, this.#position);
        this.#position += bytes.length;
        this.#allocated = Math.max(this.#allocated, this.#position);
        this.#written += count;
        return true;
      } catch (error) {
        // The past makes room for the present.
        if (this.#segments.length > 1 && isFull(error)) {
          this.#dropOldest();
          continue;
        }
        this.#fail(error);
        return false;
      }
    }
  }

  /** Has zeros beyond what is about to be written. Failing that, what is to be written may still fit. */
  #reserve(length: number): void {
    if (this.#position + length <= this.#allocated) return;
    const target = Math.min(this.#segmentBytes, this.#position + length + reserveBytes);
    if (target <= this.#allocated) return;
    try {
      writeWhole(this.#fd, Buffer.alloc(target - this.#allocated), this.#allocated);
      this.#allocated = target;
    } catch (error) {
      if (!isFull(error)) throw error;
      ftruncateSync(this.#fd, this.#allocated);
    }
  }

  /** Tells the next daemon that numbers were given which it will not find. */
  #fail(error: unknown): void {
    if (this.#failing) return;
    this.#failing = true;
    this.#options.logger.warn({ error: String(error) }, "the journal cannot be written; it goes on in memory");
    this.#mark({ lossy: true });
  }

  #recovered(): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#options.logger.info({}, "the journal is written again");
    this.#mark({});
  }

  /** Overwrites a page that is allocated, which needs no room. */
  #mark({ lossy = false, closed = false }: { readonly lossy?: boolean; readonly closed?: boolean }): void {
    const segment = this.#segments.at(-1);
    if (this.#fd < 0 || segment === undefined) return;
    try {
      writeWhole(this.#fd, encodeHeader({ identity: this.identity, first: segment.first, lossy, closed }), 0);
    } catch (error) {
      this.#options.logger.warn({ error: String(error) }, "cannot mark the journal");
    }
  }

  /** Begins a new file; entries from number `first` on go there. */
  #startSegment(first: number): boolean {
    if (this.#closed) return false;
    const path = join(this.#options.directory, `${String(first).padStart(16, "0")}-${this.identity.slice(0, 8)}`);
    let fd = -1;
    for (;;) {
      try {
        mkdirSync(this.#options.directory, { recursive: true, mode: 0o700 });
        fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
        writeWhole(fd, encodeHeader({ identity: this.identity, first, lossy: this.#failing, closed: false }), 0);
        break;
      } catch (error) {
        if (fd >= 0) {
          closeSync(fd);
          fd = -1;
          rmSync(path, { force: true });
        }
        if (this.#segments.length > 1 && isFull(error)) {
          this.#dropOldest();
          continue;
        }
        this.#fail(error);
        return false;
      }
    }
    const length = this.#allocated;
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = fd;
    this.#position = headerSize;
    this.#allocated = headerSize;
    this.#written = 0;
    // What is in memory already and will be written here belongs to it.
    const previous = this.#segments.at(-1);
    if (previous !== undefined && previous.path !== "") previous.length = length;
    const moved =
      previous?.entries.splice(previous.entries.findLastIndex(({ sequence }) => sequence < first) + 1) ?? [];
    if (previous?.path === "" && previous.entries.length === 0) this.#segments.pop();
    this.#segments.push({ path, first, entries: moved, end: headerSize, length: headerSize });
    while (this.#segments.length > segmentCount) this.#dropOldest();
    return true;
  }

  /** Forgets the oldest segment, never the one that is written. */
  #dropOldest(): void {
    const dropped = this.#segments.shift();
    if (dropped === undefined) return;
    this.#count -= dropped.entries.length;
    this.#incomplete = Math.max(this.#incomplete, (this.#segments[0]?.first ?? this.#sequence + 1) - 1);
    if (dropped.path !== "") rmSync(dropped.path, { force: true });
  }

  /** Reads what earlier daemons left. Answers the identity to go on with, null: there is none. */
  #readAll(): string | null {
    const found = this.#readSegments();
    const current = found.reduce<Found | undefined>(
      (best, segment) => (best === undefined || lastTime(segment) >= lastTime(best) ? segment : best),
      undefined,
    );
    if (current === undefined) return null;
    const { identity } = current.contents.header;
    let endIsKnown = true;
    let wasClosed = true;
    for (const { path, contents, length } of found) {
      const { header, entries, end, torn, damaged } = contents;
      if (header.identity !== identity) {
        this.#options.quarantine.setAside(path, "a segment of another journal");
        continue;
      }
      const missing = header.first - this.#sequence - 1;
      if (missing > 0 && missing !== unwritten) this.#incomplete = header.first - 1;
      this.#sequence = Math.max(this.#sequence, header.first - 1);
      for (const { sequence } of entries) {
        const skipped = sequence - this.#sequence - 1;
        if (skipped > 0 && skipped !== unwritten) this.#incomplete = sequence - 1;
        this.#sequence = sequence;
      }
      endIsKnown = !header.lossy && !torn && !damaged;
      wasClosed = header.closed;
      if (damaged) this.#replaceDamaged(path, contents);
      this.#segments.push({ path, first: header.first, entries: [...entries], end, length });
      this.#count += entries.length;
    }
    if (endIsKnown && wasClosed) {
      this.#goOn();
    } else if (endIsKnown) {
      // A killed daemon may have told of numbers that it had not written yet. What
      // happened then is found again, under others.
      this.#goOn();
      this.#sequence += unwritten;
    } else {
      this.#sequence += unknownEnd;
      this.#incomplete = this.#sequence;
    }
    return identity;
  }

  /** In order of their numbers, those that can be read. */
  #readSegments(): Found[] {
    const { directory, quarantine } = this.#options;
    let names: string[];
    try {
      names = readdirSync(directory).sort();
    } catch {
      return [];
    }
    const found: Found[] = [];
    for (const name of names) {
      const path = join(directory, name);
      try {
        const bytes = readFileSync(path);
        found.push({ path, contents: decodeSegment(bytes), length: bytes.length });
      } catch (error) {
        const reason = `a segment of the journal: ${error instanceof Error ? error.message : String(error)}`;
        if (error instanceof SegmentError && error.newer) quarantine.leave(path, reason, { newer: true });
        else quarantine.setAside(path, reason);
      }
    }
    return found;
  }

  /** Sets a damaged segment aside and puts its readable part in its place. */
  #replaceDamaged(path: string, { header, entries }: SegmentContents): void {
    this.#options.quarantine.setAside(path, "a segment of the journal is damaged; its readable entries are kept");
    const parts = entries.map((entry) => encodeRecord(encodeEntry(entry))).filter((bytes) => bytes !== null);
    let fd = -1;
    try {
      fd = openSync(path, "wx", 0o600);
      writeWhole(fd, Buffer.concat([encodeHeader({ ...header, lossy: false, closed: false }), ...parts]), 0);
    } catch (error) {
      this.#options.logger.warn({ path, error: String(error) }, "cannot rewrite a segment of the journal");
    } finally {
      if (fd >= 0) closeSync(fd);
    }
  }

  /** Goes on in the last segment. */
  #goOn(): void {
    const last = this.#segments.at(-1);
    if (last === undefined) return;
    try {
      this.#fd = openSync(last.path, constants.O_RDWR | constants.O_NOFOLLOW);
      this.#position = last.end;
      this.#allocated = last.length;
      this.#written = last.entries.length;
    } catch (error) {
      this.#options.logger.warn(
        { path: last.path, error: String(error) },
        "cannot go on with a segment of the journal",
      );
    }
  }
}

interface Found {
  readonly path: string;
  readonly contents: SegmentContents;
  readonly length: number;
}

function lastTime({ contents }: Found): number {
  return contents.entries.at(-1)?.timeMicros ?? 0;
}

/** Entries are in order of their numbers. */
function firstAfter(entries: readonly JournalEntry[], sequence: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.sequence ?? 0) <= sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

function shorten(text: string): string {
  return text.length <= maxDetail ? text : `${text.slice(0, maxDetail - 1)}…`;
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/** A full file system takes a part of a write. */
function writeWhole(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}
