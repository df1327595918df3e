import type { OutputChunk, OutputGap, OutputStreamName } from "../api/output.ts";
import type { Block, Blocks } from "./blocks.ts";

/** What a source says of itself at one moment. */
export interface SourceView {
  /** The oldest byte that it has, and the byte after its last one. */
  readonly firstOffset: number;
  readonly nextOffset: number;
  /** Nothing will be added. */
  readonly complete: boolean;
  /** Standard output or terminal; written, not kept. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** How many bytes it has room for. */
  readonly capacityBytes: number;
  /** Null: nobody holds it. */
  readonly hold: SourceHold | null;
}

export interface SourceHold {
  /** Everything before it was taken. */
  readonly offset: number;
  /** It is full: writers wait for the holder. */
  readonly blocking: boolean;
}

export interface SourceRead {
  /** What was asked for and is no longer there. */
  readonly gap: OutputGap | null;
  /** In order of offset, without gaps in between. */
  readonly chunks: readonly OutputChunk[];
  /** Where to read on. The end is reached if it equals what was asked for. */
  readonly nextOffset: number;
  /** Holds the chunks' bytes, if the reader brought blocks: it releases it when it is done with them. */
  readonly block?: Block | null;
}

/**
 * The output of one run, wherever it is kept: a ring that is being written, or
 * history on disk. Offsets count bytes over all streams of the run.
 */
export interface OutputSource {
  look(): SourceView;
  /**
   * What there is from `from` on, about `maxBytes` of it at most, and not more than is read in a few milliseconds.
   *
   * @param blocks Where the memory may come from. Default: new memory, which lasts as long as somebody has it.
   */
  read(from: number, maxBytes: number, blocks?: Blocks): SourceRead | Promise<SourceRead>;
  /** Where the last `lines` lines of these streams begin (none given: all streams). */
  tailLines(lines: number, streams: readonly OutputStreamName[], signal?: AbortSignal): Promise<number>;
  /** The offset of the first byte that was read at or after `time`, nanoseconds since the epoch. */
  offsetSince(time: bigint): number;
  /** When the byte at `offset`, or the oldest one after it, was read: microseconds since the epoch. Null: no such byte. */
  timeAt(offset: number): number | null;
  /**
   * Asks to be told (see `OutputNews`) when something is added. Look again
   * after this and before waiting, so that no addition is missed.
   */
  follow(): void;
  close(): void;
}
