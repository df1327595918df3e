import { createContextKey } from "@connectrpc/connect";

/** What goes out at once: bytes, or several that lie apart. */
export type Piece = Uint8Array | readonly Uint8Array[];

export function bytesOfPiece(piece: Piece): readonly Uint8Array[] {
  return piece instanceof Uint8Array ? [piece] : piece;
}

/**
 * Frames of a stream that are encoded by hand. The method's implementation
 * hands them over with {@link send}; the one empty message that it yields is
 * where they go in on the way out.
 *
 * So the bytes of a process's output are encoded once for all its followers,
 * and pass three iterators instead of the twelve of Connect's pipeline, while
 * everything else of a call (errors, end, time-outs, back-pressure) stays with
 * Connect. Encoding a chunk of 256 KiB with the general encoder copies it four
 * times.
 */
export class EncodedFrames {
  #frames: AsyncIterator<Piece> | undefined;
  #first: IteratorResult<Piece> | undefined;
  #failed = false;
  #error: unknown;

  /**
   * To be delegated to by the implementation. Ends when all frames were sent,
   * and throws what the frames or their sending failed with.
   */
  async *send(frames: AsyncIterable<Piece>): AsyncGenerator<Record<string, never>, void, undefined> {
    const iterator = frames[Symbol.asyncIterator]();
    // What fails before the first frame fails before anything is sent.
    this.#first = await iterator.next();
    if (this.#first.done === true) return;
    this.#frames = iterator;
    yield {};
    if (this.#failed) throw this.#error;
  }

  /** The same body with the frames in their place. Asks for the next one when its consumer does, which has then sent those before. */
  async *insertInto(body: AsyncIterable<Uint8Array>): AsyncGenerator<Piece, void, undefined> {
    for await (const bytes of body) {
      const frames = isEmptyEnvelope(bytes) ? this.#frames : undefined;
      if (frames === undefined) {
        yield bytes;
        continue;
      }
      this.#frames = undefined;
      try {
        for (
          let result = this.#first;
          result !== undefined && result.done !== true;
          result = await this.#next(frames)
        ) {
          yield result.value;
        }
      } finally {
        this.#first = undefined;
        await frames.return?.();
      }
    }
  }

  /** Undefined: there are no more, since they failed; the implementation throws that. */
  async #next(frames: AsyncIterator<Piece>): Promise<IteratorResult<Piece> | undefined> {
    try {
      return await frames.next();
    } catch (error) {
      this.#failed = true;
      this.#error = error;
      return undefined;
    }
  }
}

/** Five zeros: not compressed, no message follows. Connect streams, gRPC and gRPC-Web have the same envelope. */
function isEmptyEnvelope(bytes: Uint8Array): boolean {
  return bytes.length === 5 && bytes.every((byte) => byte === 0);
}

/** Where an implementation finds them; undefined: the call's messages are JSON. */
export const encodedFramesKey = createContextKey<EncodedFrames | undefined>(undefined);

const binaryTypes = new Set([
  "application/connect+proto",
  "application/grpc",
  "application/grpc+proto",
  "application/grpc-web",
  "application/grpc-web+proto",
]);

/** Undefined: the call's messages are not binary. */
export function encodedFramesFor(contentType: string): EncodedFrames | undefined {
  return binaryTypes.has(contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "") ? new EncodedFrames() : undefined;
}
