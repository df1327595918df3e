/**
 * Reads one HTTP/1.1 response (RFC 9112) of a connection that carries no
 * other. Strict: what the RFC leaves to a recipient's mercy (obsolete folding,
 * bare line feeds, two lengths, a body that ends when the connection does) is
 * an error, since the only server behind it is the daemon.
 */

/** A complete response. Header names are in lower case. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** What one response may cost, in bytes. */
export interface HttpLimits {
  /** The status line and all headers; also each chunk's size line and all trailers. */
  readonly head: number;
  readonly body: number;
}

/** Takes a response as it arrives. Whatever it throws, `push()` throws. */
export interface HttpSink {
  /** The final status line and headers; before any of the body. */
  head(status: number, headers: ReadonlyMap<string, string>): void;
  /** A piece of the body, not copied. */
  body(piece: Buffer): void;
  /** All of it has arrived. */
  end(): void;
}

/** The response breaks the rules or the limits. */
export class HttpParseError extends Error {
  override readonly name = "HttpParseError";
}

type Phase = "head" | "sized" | "chunkSize" | "chunkData" | "chunkEnd" | "trailers" | "done";

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Push bytes until it returns the response. */
export class HttpResponseParser {
  readonly #limits: HttpLimits;
  readonly #sink: HttpSink | undefined;
  #phase: Phase = "head";
  /** What has arrived and is not consumed, in pieces, so that a large body is not copied again for each of them. */
  #pending: Buffer[] = [];
  #pendingLength = 0;
  #status = 0;
  #headers = new Map<string, string>();
  #trailerBytes = 0;
  /** Bytes that the body, or the chunk being read, still lacks. */
  #remaining = 0;
  #body: Buffer[] = [];
  #bodyLength = 0;

  /** @param sink takes the body, which the response then does not hold */
  constructor(limits: HttpLimits, sink?: HttpSink) {
    this.#limits = limits;
    this.#sink = sink;
  }

  /**
   * Takes the next bytes.
   *
   * @returns the response once it is complete
   * @throws HttpParseError, after which the parser is of no use
   */
  push(bytes: Buffer): HttpResponse | undefined {
    if (this.#phase === "done" && bytes.length > 0) {
      throw new HttpParseError("bytes after the end of the response");
    }
    this.#pending.push(bytes);
    this.#pendingLength += bytes.length;
    while (this.#step()) {
      // Each step consumes something or changes the phase.
    }
    if (this.#phase !== "done") {
      return undefined;
    }
    if (this.#pendingLength > 0) {
      throw new HttpParseError("bytes after the end of the response");
    }
    this.#sink?.end();
    const [only] = this.#body;
    const body = only !== undefined && this.#body.length === 1 ? only : Buffer.concat(this.#body);
    return { status: this.#status, headers: this.#headers, body };
  }

  /** @returns whether there may be more to do with what is pending */
  #step(): boolean {
    switch (this.#phase) {
      case "head":
        return this.#readHead();
      case "sized":
      case "chunkData":
        return this.#readBody();
      case "chunkSize":
        return this.#readChunkSize();
      case "chunkEnd":
        return this.#readChunkEnd();
      case "trailers":
        return this.#readTrailer();
      case "done":
        return false;
    }
  }

  #readHead(): boolean {
    const text = this.#takeUntil("\r\n\r\n", this.#limits.head, "the response's head");
    if (text === undefined) {
      return false;
    }
    const [statusLine = "", ...lines] = text.split("\r\n");
    const match = /^HTTP\/1\.1 ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/.exec(statusLine);
    if (match === null) {
      throw new HttpParseError("not an HTTP/1.1 status line");
    }
    this.#status = Number(match[1]);
    this.#headers = parseFields(lines);
    if (this.#status === 101) {
      throw new HttpParseError("an upgrade that nobody asked for");
    }
    if (this.#status < 200) {
      return true; // Interim response (RFC 9110, 15.2): the final one follows.
    }
    this.#beginBody();
    return true;
  }

  #beginBody(): void {
    this.#sink?.head(this.#status, this.#headers);
    const length = this.#headers.get("content-length");
    const coding = this.#headers.get("transfer-encoding");
    if (this.#status === 204 || this.#status === 304) {
      this.#phase = "done";
    } else if (coding !== undefined) {
      if (length !== undefined || coding.toLowerCase() !== "chunked") {
        throw new HttpParseError("an unusable transfer encoding");
      }
      this.#phase = "chunkSize";
    } else if (length !== undefined) {
      if (!/^\d{1,15}$/.test(length)) {
        throw new HttpParseError("a malformed content length");
      }
      this.#expect(Number(length));
      this.#phase = this.#remaining === 0 ? "done" : "sized";
    } else {
      throw new HttpParseError("a body without a length");
    }
  }

  #expect(length: number): void {
    if (this.#bodyLength + length > this.#limits.body) {
      throw new HttpParseError(`a body of more than ${this.#limits.body} bytes`);
    }
    this.#remaining = length;
  }

  #readBody(): boolean {
    const piece = this.#takeUpTo(this.#remaining);
    if (piece === undefined) {
      return false;
    }
    if (this.#sink === undefined) {
      this.#body.push(piece);
    } else {
      this.#sink.body(piece);
    }
    this.#bodyLength += piece.length;
    this.#remaining -= piece.length;
    if (this.#remaining === 0) {
      this.#phase = this.#phase === "sized" ? "done" : "chunkEnd";
    }
    return true;
  }

  #readChunkSize(): boolean {
    const line = this.#takeUntil("\r\n", this.#limits.head, "a chunk's size");
    if (line === undefined) {
      return false;
    }
    // Chunk extensions may be ignored (RFC 9112, 7.1.1).
    const match = /^([0-9a-fA-F]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line);
    if (match === null) {
      throw new HttpParseError("a malformed chunk size");
    }
    this.#expect(Number.parseInt(match[1] ?? "", 16));
    this.#phase = this.#remaining === 0 ? "trailers" : "chunkData";
    return true;
  }

  #readChunkEnd(): boolean {
    const line = this.#takeUntil("\r\n", 2, "a chunk's end");
    if (line === undefined) {
      return false;
    }
    if (line !== "") {
      throw new HttpParseError("a chunk longer than its size");
    }
    this.#phase = "chunkSize";
    return true;
  }

  #readTrailer(): boolean {
    const line = this.#takeUntil("\r\n", this.#limits.head - this.#trailerBytes, "the trailers");
    if (line === undefined) {
      return false;
    }
    this.#trailerBytes += line.length + 2;
    if (line === "") {
      this.#phase = "done";
    } else {
      parseFields([line]);
    }
    return true;
  }

  /** Consumes up to and including `end`, which is not returned. Undefined: it has not arrived. */
  #takeUntil(end: string, limit: number, what: string): string | undefined {
    const bytes = this.#join();
    const index = bytes.indexOf(end, 0, "latin1");
    if ((index < 0 ? bytes.length - end.length + 1 : index + end.length) > limit) {
      throw new HttpParseError(`${what} is longer than allowed`);
    }
    if (index < 0) {
      return undefined;
    }
    this.#keep(bytes.subarray(index + end.length));
    return bytes.toString("latin1", 0, index);
  }

  #takeUpTo(length: number): Buffer | undefined {
    const first = this.#pending.shift();
    if (first === undefined || this.#pendingLength === 0) {
      return undefined;
    }
    const piece = first.subarray(0, length);
    if (piece.length < first.length) {
      this.#pending.unshift(first.subarray(piece.length));
    }
    this.#pendingLength -= piece.length;
    return piece;
  }

  #join(): Buffer {
    const [only] = this.#pending;
    const bytes = this.#pending.length === 1 && only !== undefined ? only : Buffer.concat(this.#pending);
    this.#keep(bytes);
    return bytes;
  }

  #keep(bytes: Buffer): void {
    this.#pending = bytes.length === 0 ? [] : [bytes];
    this.#pendingLength = bytes.length;
  }
}

function parseFields(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    const value = line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, "");
    if (!token.test(name) || !fieldValue.test(value)) {
      throw new HttpParseError("a malformed header");
    }
    if (fields.has(name) && (name === "content-length" || name === "transfer-encoding" || name === "content-type")) {
      throw new HttpParseError(`more than one ${name} header`);
    }
    fields.set(name, value);
  }
  return fields;
}
