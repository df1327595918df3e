import type { OutputChunk, OutputGap, OutputStart, OutputStreamName } from "../api/output.ts";
import type { Block, Blocks } from "./blocks.ts";
import type { OutputSource } from "./source.ts";

export interface Selection {
  readonly start: OutputStart;
  /** Empty: all. */
  readonly streams: readonly OutputStreamName[];
  /** Nanoseconds since the epoch; null: no end. */
  readonly until: bigint | null;
}

export interface Selected {
  readonly gap: OutputGap | null;
  readonly chunks: readonly OutputChunk[];
  /** False: there is nothing more at present. */
  readonly moved: boolean;
  /** Holds the chunks' bytes, if the reader was given blocks: to be released. */
  readonly block: Block | null;
}

const nothing: Selected = { gap: null, chunks: [], moved: false, block: null };

/** Reads one run from a place on, and lets through what was selected. */
export class RunReader {
  /** Everything selected before it has been read, or was reported missing. */
  position: number;
  /** Nothing from here on is read. */
  limit: number;
  /** `until` was reached: the limit lies there. */
  untilReached = false;
  readonly #streams: readonly OutputStreamName[];
  readonly #untilMicros: number;
  /** Until output of this time or later has come, it is skipped. */
  #sinceMicros: number;
  /** A tail begins with what is kept, even if that moved on meanwhile. */
  #hidesGap: boolean;

  constructor(position: number, limit: number, { start, streams, until }: Selection) {
    this.position = position;
    this.limit = limit;
    this.#streams = streams;
    this.#untilMicros = until === null ? Number.POSITIVE_INFINITY : micros(until);
    this.#sinceMicros = start.since === null ? Number.NEGATIVE_INFINITY : micros(start.since);
    this.#hidesGap = start.position.kind !== "offset";
  }

  get done(): boolean {
    return this.position >= this.limit;
  }

  async read(source: OutputSource, maxBytes: number, blocks?: Blocks): Promise<Selected> {
    const from = this.position;
    if (this.done) return nothing;
    const reading = source.read(from, Math.min(maxBytes, this.limit - from), blocks);
    const read = reading instanceof Promise ? await reading : reading;
    const chunks: OutputChunk[] = [];
    let next = Math.min(read.nextOffset, this.limit);
    for (const chunk of read.chunks) {
      // A gap can reach beyond the limit.
      if (chunk.offset >= this.limit) break;
      if (chunk.timeMicros >= this.#untilMicros) {
        this.untilReached = true;
        this.limit = chunk.offset;
        next = chunk.offset;
        break;
      }
      if (chunk.timeMicros < this.#sinceMicros) continue;
      this.#sinceMicros = Number.NEGATIVE_INFINITY;
      if (this.#streams.length === 0 || this.#streams.includes(chunk.stream)) chunks.push(this.#cut(chunk));
    }
    let gap = read.gap === null ? null : { from: read.gap.from, to: Math.min(read.gap.to, this.limit) };
    if (gap !== null && (this.#hidesGap || gap.to <= gap.from)) gap = null;
    if (read.chunks.length > 0) this.#hidesGap = false;
    this.position = Math.max(from, next);
    return { gap, chunks, moved: this.position > from, block: read.block ?? null };
  }

  #cut(chunk: OutputChunk): OutputChunk {
    const over = chunk.offset + chunk.data.length - this.limit;
    if (over <= 0) return chunk;
    // What stands in front of the whole chunk would not fit a part of it.
    return { ...chunk, data: chunk.data.subarray(0, chunk.data.length - over), headroom: 0 };
  }
}

/** The first whole microsecond at or after a time in nanoseconds. */
export function micros(nanos: bigint): number {
  return Number((nanos + 999n) / 1000n);
}

/** Milliseconds until a time has passed, 0 or less if it has. */
export function untilPassedMs(until: bigint | null): number {
  return until === null ? Number.POSITIVE_INFINITY : Number(until / 1_000_000n) + 1 - Date.now();
}
