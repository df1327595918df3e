/** Reads protobuf's wire format (https://protobuf.dev/programming-guides/encoding/) where the bytes lie. */

/** The bytes are no message. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

/** Goes through the fields of one message: `next()`, then the value by the field's kind, or `skip()`. */
export class ProtobufReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  #wireType = 0;

  constructor(bytes: Buffer, from = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
  }

  /** The number of the next field; 0 at the end of the message. */
  next(): number {
    if (this.#at >= this.#end) {
      return 0;
    }
    const tag = this.#varint();
    this.#wireType = tag & 7;
    return Math.floor(tag / 8);
  }

  /** An unsigned integer, exact up to 2^53; a bool is 0 or 1. */
  integer(): number {
    this.#expect(0);
    return this.#varint();
  }

  bool(): boolean {
    return this.integer() !== 0;
  }

  string(): string {
    const [from, end] = this.#range();
    return this.#bytes.toString("utf8", from, end);
  }

  /** Not a copy. */
  bytes(): Buffer {
    const [from, end] = this.#range();
    return this.#bytes.subarray(from, end);
  }

  message(): ProtobufReader {
    const [from, end] = this.#range();
    return new ProtobufReader(this.#bytes, from, end);
  }

  /** Leaves a field that is not known. */
  skip(): void {
    switch (this.#wireType) {
      case 0:
        this.#varint();
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.#advance(this.#varint());
        return;
      case 5:
        this.#advance(4);
        return;
      default:
        throw new ProtobufError(`a field of wire type ${this.#wireType}`);
    }
  }

  #range(): readonly [from: number, end: number] {
    this.#expect(2);
    const length = this.#varint();
    const from = this.#at;
    this.#advance(length);
    return [from, this.#at];
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) {
      throw new ProtobufError(`a field of wire type ${this.#wireType}, expected ${wireType}`);
    }
  }

  #advance(length: number): void {
    if (length > this.#end - this.#at) {
      throw new ProtobufError("a field longer than its message");
    }
    this.#at += length;
  }

  #varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 10; count++) {
      if (this.#at >= this.#end) {
        throw new ProtobufError("a message that ends within a number");
      }
      const byte = this.#bytes[this.#at] ?? 0;
      this.#at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        return value;
      }
      factor *= 128;
    }
    throw new ProtobufError("a number that is too long");
  }
}
