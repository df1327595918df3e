/**
 * Bounds what the daemon holds of responses that an HTTP/2 client does not read.
 *
 * In place of Node.js's `maxSessionMemory`, which is for the same, but counts
 * wrong: what was unsent when a stream closed stays counted for the life of
 * its session. Clients cancel streams in mid-response all day on one session,
 * and in the end it refused every call. Nor did it bound calls that came
 * together: all of them began before the first had responded.
 */
import type { Http2Session } from "node:http2";
import { createContextKey } from "@connectrpc/connect";
import { bytesOfPiece, type Piece } from "../rpc/encoded-frames.ts";
import { reasonError } from "../rpc/errors.ts";
import type { NodeResponse } from "./http-types.ts";

export interface UnreadLimits {
  readonly maxBytes: number;
  /** How long a call waits for its client to read the responses before it. */
  readonly timeoutMs: number;
}

export class ResponseBackpressure {
  readonly #limits: UnreadLimits;
  #bytes = 0;
  #turn: Promise<unknown> = Promise.resolve();
  /** Of the call whose turn it is. */
  #onRoom: (() => void) | undefined;

  constructor(limits: UnreadLimits) {
    this.#limits = limits;
  }

  /** Settles when a further call may begin. Rejects with a ConnectError if the client does not read, or with the signal's reason. */
  admit(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + this.#limits.timeoutMs;
    const admitted = this.#turn.then(() => this.#room(deadline, signal));
    // What a call answers at once is counted by then, and the next one sees it.
    const immediate = () => new Promise((resolve) => setImmediate(resolve));
    this.#turn = admitted.then(immediate, () => {});
    return admitted;
  }

  async #room(deadline: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#bytes < this.#limits.maxBytes) {
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    const timer = setTimeout(() => reject(this.#unread()), Math.max(0, deadline - performance.now()));
    signal.addEventListener("abort", abort, { once: true });
    this.#onRoom = resolve;
    try {
      await promise;
    } finally {
      this.#onRoom = undefined;
      signal.removeEventListener("abort", abort);
      clearTimeout(timer);
    }
  }

  #unread() {
    const message = `this connection has ${this.#bytes} bytes of responses unread; read or cancel some first`;
    return reasonError("LIMIT_EXCEEDED", message, { limit: "unread_bytes" });
  }

  /** The same body; what was taken from it counts until its writer asks for more, which it does when that has left. */
  counting<Sent extends Piece>(body: AsyncIterable<Sent>): AsyncIterable<Sent> {
    const chunks = body[Symbol.asyncIterator]();
    let held = 0;
    const hold = (bytes: number) => {
      this.#bytes += bytes - held;
      held = bytes;
      if (this.#bytes < this.#limits.maxBytes) {
        this.#onRoom?.();
      }
    };
    const counted: AsyncIterator<Sent> = {
      async next() {
        hold(0);
        const chunk = await chunks.next();
        hold(chunk.done === true ? 0 : bytesOfPiece(chunk.value).reduce((sum, { length }) => sum + length, 0));
        return chunk;
      },
      async return(value) {
        hold(0);
        return (await chunks.return?.(value)) ?? { done: true, value };
      },
      async throw(error) {
        hold(0);
        if (chunks.throw === undefined) {
          throw error;
        }
        return await chunks.throw(error);
      },
    };
    return { [Symbol.asyncIterator]: () => counted };
  }
}

const bySession = new WeakMap<Http2Session, ResponseBackpressure>();

/** The count of the connection that brought a call. HTTP/1.1 has one response at a time, and needs none. */
export function backpressureOf(response: NodeResponse, limits: UnreadLimits): ResponseBackpressure | undefined {
  const session = "stream" in response ? response.stream.session : undefined;
  if (session === undefined) {
    return undefined;
  }
  let unread = bySession.get(session);
  if (unread === undefined) {
    unread = new ResponseBackpressure(limits);
    bySession.set(session, unread);
  }
  return unread;
}

/** Where a call finds the count of its connection. */
export const backpressureKey = createContextKey<ResponseBackpressure | undefined>(undefined);
