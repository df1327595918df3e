/** A run's output as frames or bytes. */
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { cancellable } from "./cancellable.ts";
import { PmError } from "./errors.ts";
import { followOutput } from "./follow-output.ts";
import type { Transport } from "./transport/transport.ts";
import type { OutputFrame, OutputGap, StreamOptions } from "./types.ts";

/** How to take output as bytes. */
export interface BytesOptions {
  /**
   * Told of output that was evicted before it could be read; then the bytes go on behind it.
   *
   * @default the iteration throws `OUTPUT_GAP`, since bytes alone cannot show what is missing
   */
  readonly onGap?: (gap: OutputGap) => void;
}

/**
 * Output that begins to flow when it is iterated; each iteration is a stream of its own. Leaving the loop cancels the
 * stream on the daemon's side. After a lost connection it resumes by offset: no byte is lost or comes twice. Taking
 * frames slowly slows only this reader; what is evicted meanwhile arrives as a gap.
 */
export class OutputStream implements AsyncIterable<OutputFrame> {
  readonly #transport: Transport;
  readonly #ref: string;
  readonly #options: StreamOptions;

  /** Use `ProcessManager.stream` or `Process.stream`. */
  constructor(transport: Transport, ref: string, options: StreamOptions) {
    this.#transport = transport;
    this.#ref = ref;
    this.#options = options;
  }

  /**
   * The frames: `opened` first, then chunks and gaps in order of offset, heartbeats while nothing comes, `end` last; with
   * `followRestarts` that again for each further run.
   *
   * @throws PmError `RUN_NOT_FOUND`, `OFFSET_OUT_OF_RANGE`, `INVALID_ARGUMENT`
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<OutputFrame, void, void> {
    return cancellable(
      (signal) => followOutput(this.#transport, this.#ref, this.#options, signal),
      this.#options.signal,
    );
  }

  /**
   * The bytes alone, all selected streams in the order in which they were read from the process.
   *
   * @throws PmError as the frames do, and `OUTPUT_GAP` (metadata: `from`, `to`)
   */
  bytes(options: BytesOptions = {}): AsyncIterableIterator<Uint8Array, void, void> {
    return cancellable(
      (signal) => bytesOf(followOutput(this.#transport, this.#ref, this.#options, signal), options),
      this.#options.signal,
    );
  }

  /** {@link bytes} as a Web stream; cancelling it cancels the RPC. */
  toWebStream(options: BytesOptions = {}): ReadableStream<Uint8Array> {
    return Readable.toWeb(this.toNodeStream(options)) as ReadableStream<Uint8Array>;
  }

  /** {@link bytes} as a Node.js stream; destroying it cancels the RPC. */
  toNodeStream(options: BytesOptions = {}): Readable {
    return Readable.from(this.bytes(options), { objectMode: false });
  }
}

async function* bytesOf(
  frames: AsyncIterable<OutputFrame>,
  { onGap }: BytesOptions,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const frame of frames) {
    if (frame.type === "chunk") {
      yield frame.data;
    } else if (frame.type === "gap") {
      const { from, to } = frame;
      if (onGap === undefined) {
        throw new PmError("OUTPUT_GAP", `the output from offset ${from} to ${to} was evicted before it was read`, {
          code: "data_loss",
          metadata: { from: String(from), to: String(to) },
          hint: "read sooner, keep more output (outputLimitBytes), or handle gaps",
        });
      }
      onGap({ from, to });
    }
  }
}
