import { createContextKey } from "@connectrpc/connect";

/**
 * Frames of a stream that were encoded elsewhere, in the order in which they
 * are to be sent. The method's implementation adds one and yields an empty
 * message in its place; on its way out, that message's envelope is replaced.
 *
 * So the bytes of a process's output are encoded once for all its followers and
 * copied once, while everything else of a call (errors, end, time-outs,
 * back-pressure) stays with Connect. Encoding a chunk of 256 KiB with the
 * general encoder copies it four times.
 */
export class EncodedFrames {
  readonly #frames: Uint8Array[] = [];

  add(envelope: Uint8Array): void {
    this.#frames.push(envelope);
  }

  /** The same body with the frames in their places. */
  async *insertInto(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const bytes of body) yield (isEmptyEnvelope(bytes) ? this.#frames.shift() : undefined) ?? bytes;
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
