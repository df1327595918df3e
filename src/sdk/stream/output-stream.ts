/** A run's output as frames or bytes. */
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { Client } from "../call/client.ts";
import { known, refuseUnknown } from "../call/options.ts";
import { PmError } from "../errors.ts";
import type { OutputFrame, OutputGap, OutputPlace, StreamOptions } from "../types.ts";
import { cancellable } from "./cancellable.ts";
import { followOutput } from "./follow-output.ts";

/** How to take output as bytes. */
export interface BytesOptions {
  /**
   * Told of output that was dropped before it could be read; the bytes then go on after it.
   *
   * @default the iteration throws `OUTPUT_GAP`, since bytes alone cannot show what is missing
   */
  readonly onGap?: (gap: OutputGap) => void;
  /**
   * Told where the output begins, before its first byte; with `followRestarts` that again for each further run.
   *
   * @default nobody is told
   */
  readonly onOpened?: (place: OutputPlace) => void;
}

/**
 * Output that begins to flow when it is iterated; each iteration is a stream of its own. Leaving the loop cancels the
 * stream on the daemon's side. After a lost connection it resumes by offset: no byte is lost or comes twice. Taking
 * frames slowly slows only this reader, and with `hold` the process; what is dropped meanwhile arrives as a gap.
 */
export class OutputStream implements AsyncIterable<OutputFrame> {
  readonly #client: Client;
  readonly #ref: string;
  readonly #label: string;
  readonly #options: StreamOptions;

  /** Use `pm.processes.stream` or `Process.stream`. */
  constructor(client: Client, ref: string, label: string, options: StreamOptions) {
    this.#client = client;
    this.#ref = ref;
    this.#label = label;
    this.#options = options;
  }

  /**
   * The frames: `opened` first, then chunks and gaps in order of offset, heartbeats while nothing comes, `end` last; with
   * `followRestarts` that again for each further run.
   *
   * @throws PmError `RUN_NOT_FOUND`, `OFFSET_OUT_OF_RANGE`, `INVALID_ARGUMENT`, `OUTPUT_UNREADABLE`; with `hold`
   * `OUTPUT_HELD`, `HOLD_REFUSED`
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<OutputFrame, void, void> {
    return cancellable((signal) => this.#follow(signal, false), this.#options.signal);
  }

  /**
   * The bytes alone, all selected streams in the order in which they were read from the process.
   *
   * @throws PmError as the frames do, and `OUTPUT_GAP` (metadata: `from`, `to`)
   */
  bytes(options: BytesOptions = {}): AsyncIterableIterator<Uint8Array, void, void> {
    refuseUnknown(options, known.bytes);
    return cancellable((signal) => bytesOf(this.#follow(signal, this.#joins), options), this.#options.signal);
  }

  /** {@link bytes} as a Web stream; cancelling it cancels the RPC. */
  toWebStream(options: BytesOptions = {}): ReadableStream<Uint8Array> {
    return Readable.toWeb(this.toNodeStream(options)) as ReadableStream<Uint8Array>;
  }

  /** {@link bytes} as a Node.js stream; destroying it cancels the RPC. */
  toNodeStream(options: BytesOptions = {}): Readable {
    // A readable asks for more before its consumer has taken what it has.
    const kept = new OutputStream(this.#client, this.#ref, this.#label, { ...this.#options, reuse: false });
    return Readable.from(kept.bytes(options), { objectMode: false });
  }

  /** Whoever is done with each piece at once wants few of them; what is held is acknowledged chunk by chunk. */
  get #joins(): boolean {
    return this.#options.reuse === true && this.#options.hold !== true;
  }

  #follow(signal: AbortSignal, joins: boolean): AsyncGenerator<OutputFrame, void, void> {
    return followOutput(this.#client, this.#ref, this.#label, { ...this.#options, joins }, signal);
  }
}

async function* bytesOf(
  frames: AsyncIterable<OutputFrame>,
  { onGap, onOpened }: BytesOptions,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const frame of frames) {
    if (frame.type === "chunk") {
      yield frame.data;
    } else if (frame.type === "opened") {
      const { processId, run, startOffset } = frame;
      onOpened?.({ processId, run, startOffset });
    } else if (frame.type === "gap") {
      const { from, to } = frame;
      if (onGap === undefined) {
        throw new PmError("OUTPUT_GAP", `the output from offset ${from} to ${to} was dropped before it was read`, {
          code: "data_loss",
          metadata: { from: String(from), to: String(to) },
          hint: "read sooner, keep more output (output.limitBytes), hold the process back (hold), or handle gaps",
        });
      }
      onGap({ from, to });
    }
  }
}
