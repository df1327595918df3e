/**
 * Server streams by hand: one HTTP/1.1 POST per connection in the Connect
 * protocol. Over the Unix socket, and over TLS by `tls-stream.ts`. Measured: loading the stock client costs
 * 60 to 70 ms, more than all the rest of a command; it also copies each message
 * several times. Output comes as binary messages, decoded where they lie;
 * everything else as JSON. See `light-unary.ts` for what may not be imported
 * here.
 */
import { connect, type OnReadOpts, type Socket } from "node:net";
import { PmError } from "../errors.ts";
import { errorFromConnectBody, errorFromEndOfStream } from "./connect-error.ts";
import { EnvelopeError, EnvelopeReader, envelope } from "./envelopes.ts";
import { HttpParseError, HttpResponseParser } from "./http1-response.ts";
import { joinedChunks } from "./joined-chunks.ts";
import { busyRetryMs, protocolError, requestHead, setDeadline } from "./light-request.ts";
import { abortedError, lostError, timedOutError, unreachableError } from "./local-errors.ts";
import { decodeOutputFrame, decodeOutputsFrame } from "./protobuf/output-frames.ts";
import { encodeStreamOutput, encodeStreamOutputs } from "./protobuf/output-requests.ts";
import { ProtobufError } from "./protobuf/reader.ts";
import { type Slab, Slabs } from "./slabs.ts";
import type { StreamMethod, StreamMethods, TransportOptions } from "./transport.ts";

/** What a stream may cost, in bytes: of headers, of one message, and of messages that the consumer has not taken. */
const limits = { head: 64 * 1024, message: 128 * 1024 * 1024, queue: 512 * 1024 };
/** The part of a refusal's body that is read. */
const maxRefusalBytes = 1024 * 1024;

/** How the messages of a method travel. Decoders answer undefined for a kind of frame that they do not know. */
interface Codec<Request, Item> {
  /** One item in the place of two that came together, where only bytes matter and they follow each other. */
  readonly joined?: (first: Item, second: Item) => Item | undefined;
  readonly contentType: string;
  readonly encode: (request: Request) => Uint8Array;
  readonly decode: (bytes: Buffer) => Item | undefined;
  /** Whether items have bytes of their message in them. */
  readonly keepsBytes: boolean;
}

const json: Codec<object, unknown> = {
  contentType: "application/connect+json",
  encode: (request) => Buffer.from(JSON.stringify(request)),
  decode: (bytes) => JSON.parse(bytes.toString("utf8")),
  keepsBytes: false,
};

const binary: { readonly [M in StreamMethod]?: Codec<StreamMethods[M][0], StreamMethods[M][1]> } = {
  "pm.v1.ProcessService/StreamOutput": {
    contentType: "application/connect+proto",
    encode: encodeStreamOutput,
    decode: decodeOutputFrame,
    keepsBytes: true,
    joined: (first, second) =>
      first.type === "chunk" && second.type === "chunk" ? joinedChunks(first, second) : undefined,
  },
  "pm.v1.ProcessService/StreamOutputs": {
    contentType: "application/connect+proto",
    encode: encodeStreamOutputs,
    decode: decodeOutputsFrame,
    keepsBytes: true,
  },
};

/** How a stream gets its connection. */
export interface LightConnection {
  /** For errors. */
  readonly place: string;
  /** More lines of the request's head. */
  readonly headers: readonly string[];
  readonly ready: "connect" | "secureConnect";
  readonly open: (onread: OnReadOpts) => Socket;
}

/** Calls `method` on the daemon behind the socket at `path`. The call begins with the first `next()`. */
export function lightStream<M extends StreamMethod>(
  path: string,
  method: M,
  request: StreamMethods[M][0],
  options: TransportOptions,
): LightStream<StreamMethods[M][0], StreamMethods[M][1]> {
  const connection: LightConnection = {
    place: `unix://${path}`,
    headers: [],
    ready: "connect",
    open: (onread) => connect({ path, onread }),
  };
  return openLightStream(connection, method, request, options);
}

export function openLightStream<M extends StreamMethod>(
  connection: LightConnection,
  method: M,
  request: StreamMethods[M][0],
  options: TransportOptions,
): LightStream<StreamMethods[M][0], StreamMethods[M][1]> {
  const codec = (binary[method] ?? json) as Codec<StreamMethods[M][0], StreamMethods[M][1]>;
  return new LightStream(connection, method, request, codec, options);
}

interface Arrived<Item> {
  readonly item: Item;
  readonly bytes: number;
  readonly slab: Slab | undefined;
}

export class LightStream<Request, Item> implements AsyncIterableIterator<Item, void, void> {
  /** The daemon has begun to respond: whatever goes wrong from here on is about this call. */
  accepted = false;
  readonly #connection: LightConnection;
  readonly #method: string;
  readonly #codec: Codec<Request, Item>;
  readonly #request: Request;
  readonly #options: TransportOptions;
  /** What has arrived and was not taken, with its size. */
  #queue: Arrived<Item>[] = [];
  #taken = 0;
  #queuedBytes = 0;
  readonly #slabs: Slabs;
  /** Of the item that the consumer has. */
  #held: Slab | undefined;
  #waiting: PromiseWithResolvers<IteratorResult<Item, void>> | undefined;
  #state: "new" | "open" | "over" = "new";
  /** Why it is over, for whoever has taken all that came before. Undefined: it ended by itself. */
  #failure: PmError | undefined;
  #socket: Socket | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #busyTimer: NodeJS.Timeout | undefined;
  readonly #onAbort = (): void => this.#fail(abortedError(this.#options.signal));

  constructor(
    connection: LightConnection,
    method: string,
    request: Request,
    codec: Codec<Request, Item>,
    options: TransportOptions,
  ) {
    this.#connection = connection;
    this.#method = method;
    this.#request = request;
    this.#codec = codec;
    this.#options = options;
    this.#slabs = new Slabs(options.reuse === true || !codec.keepsBytes);
  }

  next(): Promise<IteratorResult<Item, void>> {
    if (this.#state === "new") {
      this.#open();
    }
    if (this.#held !== undefined) {
      this.#slabs.release(this.#held);
      this.#held = undefined;
    }
    const queued = this.#queue[this.#taken];
    if (queued !== undefined) {
      this.#held = queued.slab;
      this.#take(queued.bytes);
      return Promise.resolve({ done: false, value: queued.item });
    }
    if (this.#state === "over") {
      const failure = this.#failure;
      this.#failure = undefined;
      return failure === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(failure);
    }
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  return(): Promise<IteratorResult<Item, void>> {
    this.#end(undefined);
    this.#queue = [];
    this.#taken = 0;
    // Not released: whoever leaves may still have the item.
    this.#held = undefined;
    this.#failure = undefined;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Not `shift()`, which moves all the others. */
  #take(bytes: number): void {
    this.#taken += 1;
    this.#queuedBytes -= bytes;
    if (this.#taken === this.#queue.length) {
      this.#queue = [];
      this.#taken = 0;
      this.#socket?.resume();
    }
  }

  #open(): void {
    const { signal, timeoutMs } = this.#options;
    this.#state = "open";
    if (signal?.aborted) {
      this.#onAbort();
      return;
    }
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#deadline = setDeadline(timeoutMs, () => this.#fail(timedOutError(timeoutMs ?? 0)));
    this.#connect(envelope(this.#codec.encode(this.#request)));
  }

  #connect(body: Buffer): void {
    let isConnected = false;
    const parser = this.#parser();
    const slabs = this.#slabs;
    const { place, headers, ready, open } = this.#connection;
    const socket = open({
      buffer: () => slabs.room(),
      // False pauses the socket, until `resume()`.
      callback: (length) => this.#receive(parser, slabs.take(length)),
    });
    this.#socket = socket;
    const { contentType } = this.#codec;
    socket.on(ready, () => {
      isConnected = true;
      socket.cork();
      socket.write(
        requestHead(this.#method, contentType, body.length, this.#options.timeoutMs, false, headers),
        "latin1",
      );
      socket.write(body);
      socket.uncork();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (isConnected) {
        this.#fail(lostError(error));
      } else if (error.code === "EAGAIN" && this.#state === "open") {
        // unix(7), connect(2): the socket's queue is full. Nothing was sent.
        this.#busyTimer = setTimeout(() => this.#connect(body), busyRetryMs());
      } else {
        this.#fail(unreachableError(place, error));
      }
    });
    socket.on("end", () => this.#fail(lostError(undefined)));
    socket.on("close", (hadError) => {
      if (!hadError) {
        this.#fail(lostError(undefined));
      }
    });
  }

  /** @returns whether to read on */
  #receive(parser: HttpResponseParser, bytes: Buffer): boolean {
    if (this.#state !== "open") {
      return false;
    }
    try {
      if (parser.push(bytes) !== undefined) {
        this.#fail(lostError(undefined, "the stream ended before its end"));
      }
    } catch (error) {
      this.#fail(errorOf(error));
    }
    this.#handOver();
    return this.#queuedBytes <= limits.queue;
  }

  #parser(): HttpResponseParser {
    const envelopes = new EnvelopeReader(
      {
        message: (bytes) => {
          const item = this.#codec.decode(bytes);
          if (item !== undefined) {
            this.#deliver(item, bytes);
          }
        },
        placed: (begun, length) => this.#slabs.placed(begun, length),
        end: (bytes) => this.#end(errorFromEndOfStream(bytes)),
      },
      limits.message,
    );
    let status = 0;
    let contentType: string | undefined;
    let refusal: Buffer[] | undefined;
    let refusalBytes = 0;
    return new HttpResponseParser(
      { head: limits.head, body: Number.POSITIVE_INFINITY },
      {
        head: (code, headers) => {
          status = code;
          contentType = headers.get("content-type");
          if (status !== 200) {
            refusal = [];
            if (headers.get("content-length") === "0") {
              throw errorFromConnectBody(status, contentType, Buffer.alloc(0));
            }
          } else if (contentType !== this.#codec.contentType) {
            throw protocolError(`a response of type "${contentType ?? "none"}"`);
          } else {
            this.accepted = true;
          }
        },
        body: (piece) => {
          if (refusal === undefined) {
            if (this.#state === "open") {
              envelopes.push(piece);
            }
            return;
          }
          refusal.push(piece);
          refusalBytes += piece.length;
          if (refusalBytes > maxRefusalBytes) {
            throw errorFromConnectBody(status, contentType, Buffer.alloc(0));
          }
        },
        end: () => {
          if (refusal !== undefined) {
            throw errorFromConnectBody(status, contentType, Buffer.concat(refusal));
          }
        },
      },
    );
  }

  /** Handed over when all is known that came with it. */
  #deliver(item: Item, message: Buffer): void {
    const bytes = message.length;
    this.#queuedBytes += bytes;
    const { joined, keepsBytes } = this.#codec;
    const last = this.#options.joins === true && this.#taken < this.#queue.length ? this.#queue.at(-1) : undefined;
    const both = last && joined?.(last.item, item);
    if (last !== undefined && both !== undefined) {
      this.#queue[this.#queue.length - 1] = { ...last, item: both, bytes: last.bytes + bytes };
      return;
    }
    this.#queue.push({ item, bytes, slab: keepsBytes ? this.#slabs.use(message) : undefined });
  }

  /** To whoever waits for it. */
  #handOver(): void {
    const waiting = this.#waiting;
    const queued = this.#queue[this.#taken];
    if (waiting === undefined || queued === undefined) {
      return;
    }
    this.#waiting = undefined;
    this.#held = queued.slab;
    this.#take(queued.bytes);
    waiting.resolve({ done: false, value: queued.item });
  }

  #fail(error: PmError): void {
    this.#end(error);
  }

  /** Frees everything. The first one counts. */
  #end(failure: PmError | undefined): void {
    if (this.#state === "over") {
      return;
    }
    this.#state = "over";
    clearTimeout(this.#deadline);
    clearTimeout(this.#busyTimer);
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#socket?.destroy();
    this.#slabs.close();
    this.#handOver();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) {
      this.#failure = failure;
    } else if (failure === undefined) {
      waiting.resolve({ done: true, value: undefined });
    } else {
      waiting.reject(failure);
    }
  }
}

function errorOf(error: unknown): PmError {
  if (error instanceof PmError) {
    return error;
  }
  if (
    error instanceof HttpParseError ||
    error instanceof EnvelopeError ||
    error instanceof ProtobufError ||
    error instanceof SyntaxError
  ) {
    return protocolError(error.message, error);
  }
  return lostError(error);
}
