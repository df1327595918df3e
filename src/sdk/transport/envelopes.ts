/**
 * Envelopes of the Connect protocol: a byte of flags, four of length, and the
 * message (https://connectrpc.com/docs/protocol#streaming-rpcs).
 */

const headLength = 5;
const compressedFlag = 0x01;
const endFlag = 0x02;

/** The peer sent what is no envelope, or too large. */
export class EnvelopeError extends Error {
  override readonly name = "EnvelopeError";
}

/** One message, ready to be sent. */
export function envelope(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headLength + message.length);
  bytes.writeUInt8(0, 0);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, headLength);
  return bytes;
}

/** Takes the messages. */
export interface EnvelopeSink {
  message(bytes: Buffer): void;
  /** The last one: how the stream ended. */
  end(bytes: Buffer): void;
  /** May move the beginning of a message to where the rest of it will lie behind it. */
  placed?(begun: Buffer, length: number): Buffer;
}

/** Push bytes; messages that lie in one piece, or in pieces side by side in memory, are not copied. */
export class EnvelopeReader {
  readonly #sink: EnvelopeSink;
  readonly #maxBytes: number;
  readonly #head = Buffer.alloc(headLength);
  #headFilled = 0;
  /** The beginning of a message that comes in several pieces, as long as they lie side by side. */
  #begun: Buffer | undefined;
  /** Where it is put together when they do not. */
  #message: Buffer | undefined;
  #messageFilled = 0;

  constructor(sink: EnvelopeSink, maxBytes: number) {
    this.#sink = sink;
    this.#maxBytes = maxBytes;
  }

  /** @throws EnvelopeError */
  push(piece: Buffer): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#message !== undefined) {
        at = this.#fill(this.#message, piece, at);
      } else if (this.#begun !== undefined) {
        at = this.#continue(this.#begun, piece, at);
      } else {
        at = this.#begin(piece, at);
      }
    }
  }

  /** Reads the head, and the message if all of it is there. */
  #begin(piece: Buffer, from: number): number {
    const taken = Math.min(headLength - this.#headFilled, piece.length - from);
    this.#headFilled += piece.copy(this.#head, this.#headFilled, from, from + taken);
    const at = from + taken;
    if (this.#headFilled < headLength) {
      return at;
    }
    const length = this.#head.readUInt32BE(1);
    if (length > this.#maxBytes) {
      throw new EnvelopeError(`a message of ${length} bytes`);
    }
    if (piece.length - at >= length) {
      this.#deliver(piece.subarray(at, at + length));
      return at + length;
    }
    const begun = piece.subarray(at);
    this.#begun = this.#sink.placed?.(begun, length) ?? begun;
    return piece.length;
  }

  #continue(begun: Buffer, piece: Buffer, at: number): number {
    const length = this.#head.readUInt32BE(1);
    const isNext = begun.buffer === piece.buffer && begun.byteOffset + begun.length === piece.byteOffset + at;
    this.#begun = undefined;
    if (isNext && begun.length > 0) {
      const taken = Math.min(length - begun.length, piece.length - at);
      const joined = Buffer.from(begun.buffer, begun.byteOffset, begun.length + taken);
      if (joined.length < length) {
        this.#begun = joined;
      } else {
        this.#deliver(joined);
      }
      return at + taken;
    }
    this.#message = Buffer.allocUnsafe(length);
    this.#messageFilled = begun.copy(this.#message);
    return at;
  }

  #fill(message: Buffer, piece: Buffer, from: number): number {
    const copied = piece.copy(message, this.#messageFilled, from);
    this.#messageFilled += copied;
    if (this.#messageFilled === message.length) {
      this.#message = undefined;
      this.#deliver(message);
    }
    return from + copied;
  }

  #deliver(bytes: Buffer): void {
    this.#headFilled = 0;
    const flags = this.#head.readUInt8(0);
    if (flags & compressedFlag) {
      throw new EnvelopeError("a compressed message, which nobody asked for");
    }
    if (flags & endFlag) {
      this.#sink.end(bytes);
    } else {
      this.#sink.message(bytes);
    }
  }
}
