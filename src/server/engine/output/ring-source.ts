import type { OutputStreamName } from "../api/output.ts";
import { EngineError } from "../errors.ts";
import { Stream, type StreamNumber } from "../shim/layout.ts";
import type { Ring, RingRead } from "../shim/ring.ts";
import { RingUnreadableError, RingVersionError } from "../shim/ring-errors.ts";
import type { Block, Blocks } from "./blocks.ts";
import type { OutputSource, SourceRead, SourceView } from "./source.ts";

/** A shim's ring as a source of output. Every method throws OUTPUT_UNREADABLE where the ring cannot be believed. */
export class RingSource implements OutputSource {
  readonly #ring: Ring;
  readonly #identity: Readonly<{ processId: string; run: number }>;

  private constructor(ring: Ring, identity: { processId: string; run: number }) {
    this.#ring = ring;
    this.#identity = identity;
  }

  /**
   * Takes over a ring, and closes it with the source. Null: it is not published
   * yet; the ring is then closed.
   *
   * @throws EngineError OUTPUT_UNREADABLE
   */
  static of(ring: Ring, identity: { processId: string; run: number }): RingSource | null {
    const source = new RingSource(ring, identity);
    let published = false;
    try {
      published = source.#believe(() => ring.header().published);
    } finally {
      if (!published) ring.close();
    }
    return published ? source : null;
  }

  look(): SourceView {
    return this.#believe(() => {
      const header = this.#ring.header();
      const isHeld = header.holdDeadline > 0n;
      return {
        firstOffset: this.#ring.firstOffset(header),
        nextOffset: header.written,
        complete: header.outputComplete,
        stdoutBytes: header.stdoutBytes,
        stderrBytes: header.stderrBytes,
        capacityBytes: header.dataSize,
        hold: isHeld ? { offset: header.holdOffset, blocking: header.holding } : null,
      };
    });
  }

  read(from: number, maxBytes: number, blocks?: Blocks): SourceRead {
    let block: Block | null = null;
    const allocate = (bytes: number): Buffer => {
      // A read that the writer overtook begins again.
      block ??= blocks?.take(bytes) ?? null;
      return block !== null && bytes <= block.bytes.length ? block.bytes : Buffer.allocUnsafe(bytes);
    };
    let read: RingRead;
    try {
      read = this.#ring.read(from, maxBytes, allocate);
    } catch (error) {
      (block as Block | null)?.release();
      throw this.#translate(error);
    }
    const { gap, chunks, nextOffset } = read;
    return {
      gap,
      chunks: chunks.map(({ stream, offset, timeMicros, data, headroom }) => ({
        stream: streamName(stream),
        offset,
        timeMicros,
        data,
        headroom,
      })),
      nextOffset,
      block,
    };
  }

  async tailLines(lines: number, streams: readonly OutputStreamName[], signal?: AbortSignal): Promise<number> {
    const numbers = streams.map((name) => Stream[name]);
    try {
      return await this.#ring.tailLines(lines, numbers, signal);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  offsetSince(time: bigint): number {
    return this.#believe(() => this.#ring.offsetSince(time));
  }

  timeAt(offset: number): number | null {
    return this.#believe(() => this.#ring.read(offset, 1).chunks[0]?.timeMicros ?? null);
  }

  follow(): void {
    this.#ring.arm();
  }

  close(): void {
    this.#ring.close();
  }

  #believe<T>(look: () => T): T {
    try {
      return look();
    } catch (error) {
      throw this.#translate(error);
    }
  }

  #translate(error: unknown): unknown {
    if (!(error instanceof RingUnreadableError || error instanceof RingVersionError)) return error;
    const { processId, run } = this.#identity;
    const message = `the output of run ${run} of process ${processId} cannot be read: ${error.message}`;
    return new EngineError("OUTPUT_UNREADABLE", message, { id: processId, run: String(run) }, error);
  }
}

function streamName(stream: StreamNumber): OutputStreamName {
  switch (stream) {
    case Stream.stdout:
      return "stdout";
    case Stream.stderr:
      return "stderr";
    default:
      return "tty";
  }
}
