import type { OutputChunk, OutputGap } from "../../api/output.ts";
import type { OutputRun } from "../directory.ts";
import type { RunReader } from "../reader.ts";
import type { OutputSource } from "../source.ts";

/** What was read of a member and waits for its turn. */
export type Piece = (
  | { readonly chunk: OutputChunk; readonly gap: null }
  | { readonly chunk: null; readonly gap: OutputGap }
) & {
  /** Where it stands among those of other members: microseconds since the epoch, never less than the one before. */
  readonly time: number;
  /** When it may be sent, on the clock of `performance.now()`. */
  readonly due: number;
};

export interface Merging {
  readonly windowMs: number;
  /**
   * When the stream opened. What was there then was there for all members; of
   * what came while they joined one after the other, the first may not have had
   * what the last one had.
   */
  readonly openedMicros: number;
}

/** This clock tells whole milliseconds, the shim's microseconds. */
const clockSlackMicros = 10_000;

const none: readonly Piece[] = [];

/** One run in a stream of many. Idle, it is not much more than this object. */
export class Member {
  readonly number: number;
  readonly run: OutputRun;
  readonly reader: RunReader;
  /** What lies before was there when it joined, and is sent strictly by time. */
  readonly backlogEnd: number;
  /** There may be something that has not been read. */
  readable = true;
  /** Pieces wait, and it stands in the heap. */
  queued = false;
  /** Bytes sent in this turn. */
  spent = 0;
  /** Of the pieces that wait. */
  keptBytes = 0;
  /** When its output was seen to be complete; the end of its process may come a moment later. */
  completeSince = 0;
  /** Its source said that nothing will be added. */
  complete = false;
  unreadable = false;
  ended = false;
  /** What a client can tell from the frames that it has. */
  toldPlace: number;
  #pieces: readonly Piece[] = none;
  #next = 0;
  #lastTime = 0;

  constructor(number: number, run: OutputRun, reader: RunReader, backlogEnd: number) {
    this.number = number;
    this.run = run;
    this.reader = reader;
    this.backlogEnd = backlogEnd;
    this.toldPlace = reader.position;
  }

  get first(): Piece | undefined {
    return this.#pieces[this.#next];
  }

  /** Everything selected before it has been sent. */
  get place(): number {
    const piece = this.first;
    return piece?.gap?.from ?? piece?.chunk?.offset ?? this.reader.position;
  }

  /** Reads on, at most about `maxBytes`; false: there is nothing more at present. */
  async fill(source: OutputSource, maxBytes: number, { windowMs, openedMicros }: Merging): Promise<boolean> {
    const { gap, chunks, moved } = await this.reader.read(source, maxBytes);
    if (gap === null && chunks.length === 0) return moved;
    const nowMicros = Date.now() * 1000;
    const now = performance.now();
    const pieces = this.#pieces.slice(this.#next);
    const stamp = (offset: number, timeMicros: number) => {
      // A clock that was set back must neither reverse a member nor keep its output back for hours.
      const isCredible = timeMicros <= nowMicros + clockSlackMicros;
      const time = Math.max(this.#lastTime, isCredible ? timeMicros : nowMicros);
      this.#lastTime = time;
      const wait = Math.min(windowMs, Math.max(0, windowMs + (time - nowMicros) / 1000));
      const old = offset < this.backlogEnd && time <= openedMicros;
      return { time, due: old ? 0 : now + wait };
    };
    if (gap !== null) pieces.push({ chunk: null, gap, ...stamp(gap.from, chunks[0]?.timeMicros ?? this.#lastTime) });
    for (const chunk of chunks) {
      pieces.push({ chunk, gap: null, ...stamp(chunk.offset, chunk.timeMicros) });
      this.keptBytes += chunk.data.length;
    }
    this.#pieces = pieces;
    this.#next = 0;
    return moved;
  }

  take(): Piece | undefined {
    const piece = this.first;
    if (piece === undefined) return undefined;
    this.keptBytes -= piece.chunk?.data.length ?? 0;
    if (++this.#next === this.#pieces.length) {
      this.#pieces = none;
      this.#next = 0;
    }
    return piece;
  }
}
