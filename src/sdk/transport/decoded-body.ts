/**
 * The body of an output stream on its way into the stock client, its messages
 * taken out and decoded where they lie. The client gets an empty message in the
 * place of each, so that everything else of a call (errors, end, time-outs)
 * stays with it. On its own it copies the bytes of a message four times.
 */
import { EnvelopeReader } from "./envelopes.ts";

const headLength = 5;
const endFlag = 2;

export class DecodedBody<Item> {
  readonly #decode: (bytes: Buffer) => Item;
  readonly #maxBytes: number;
  #items: Item[] = [];
  #taken = 0;
  /** What a message could not be decoded for. */
  failure: unknown;

  constructor(decode: (bytes: Buffer) => Item, maxBytes: number) {
    this.#decode = decode;
    this.#maxBytes = maxBytes;
  }

  /** What came in the place of the next empty message. */
  take(): Item | undefined {
    const item = this.#items[this.#taken++];
    if (this.#taken === this.#items.length) {
      this.#items = [];
      this.#taken = 0;
    }
    return item;
  }

  async *emptied(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let messages = 0;
    let end: Buffer | undefined;
    const reader = new EnvelopeReader(
      {
        message: (bytes) => {
          this.#items.push(this.#decode(bytes));
          messages += 1;
        },
        end: (bytes) => {
          end = bytes;
        },
      },
      this.#maxBytes,
    );
    for await (const piece of body) {
      try {
        reader.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
      } catch (error) {
        this.failure = error;
        throw error;
      }
      if (messages > 0) {
        yield new Uint8Array(messages * headLength);
        messages = 0;
      }
      if (end !== undefined) {
        const head = Buffer.alloc(headLength);
        head[0] = endFlag;
        head.writeUInt32BE(end.length, 1);
        yield Buffer.concat([head, end]);
        end = undefined;
      }
    }
  }
}
