import type { OutputStreamName } from "../api/output.ts";
import { Stream, type StreamNumber } from "../shim/layout.ts";
import type { Ring } from "../shim/ring.ts";
import type { OutputSource, SourceRead, SourceView } from "./source.ts";

/** A shim's ring as a source of output. */
export class RingSource implements OutputSource {
  readonly #ring: Ring;

  /** @param ring Published. It is closed with the source. */
  constructor(ring: Ring) {
    this.#ring = ring;
  }

  look(): SourceView {
    const header = this.#ring.header();
    return {
      firstOffset: this.#ring.firstOffset(header),
      nextOffset: header.written,
      complete: header.outputComplete,
      stdoutBytes: header.stdoutBytes,
      stderrBytes: header.stderrBytes,
      capacityBytes: header.dataSize,
      hold: null,
    };
  }

  read(from: number, maxBytes: number): SourceRead {
    const { gap, chunks, nextOffset } = this.#ring.read(from, maxBytes);
    return {
      gap,
      chunks: chunks.map(({ stream, offset, timeMicros, data }) => ({
        stream: streamName(stream),
        offset,
        timeMicros,
        data,
      })),
      nextOffset,
    };
  }

  tailLines(lines: number, streams: readonly OutputStreamName[], signal?: AbortSignal): Promise<number> {
    return this.#ring.tailLines(
      lines,
      streams.map((name) => Stream[name]),
      signal,
    );
  }

  offsetSince(time: bigint): number {
    return this.#ring.offsetSince(time);
  }

  timeAt(offset: number): number | null {
    return this.#ring.read(offset, 1).chunks[0]?.timeMicros ?? null;
  }

  follow(): void {
    this.#ring.arm();
  }

  close(): void {
    this.#ring.close();
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
