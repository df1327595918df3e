import type { ServerResponse } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { bytesOfPiece, type Piece } from "../rpc/encoded-frames.ts";
import type { NodeResponse } from "./http-types.ts";

/**
 * Sends a response, as connect-node's universalResponseToNodeResponse does, but
 * asks for the next piece of the body only when the operating system has taken
 * the one before: its memory may be used again from then on. connect-node goes
 * on while a buffer has room.
 */
export async function sendResponse(
  { status, header, body, trailer }: Omit<UniversalServerResponse, "body"> & { readonly body: AsyncIterable<Piece> },
  nodeResponse: NodeResponse,
): Promise<void> {
  // Both kinds have what is used here; their overloads are no common type.
  const response = nodeResponse as ServerResponse;
  const pieces = body[Symbol.asyncIterator]();
  const sender = new Sender(response);
  try {
    // The first piece may be what sets headers.
    let piece = await pieces.next();
    response.writeHead(status, Object.fromEntries(header ?? []));
    for (; piece.done !== true; piece = await pieces.next()) {
      try {
        await sender.send(piece.value);
      } catch (error) {
        // The call hears of it.
        pieces.throw?.(error).catch(() => {});
        throw error;
      }
    }
    if (trailer !== undefined) response.addTrailers(Object.fromEntries(trailer));
    response.end();
  } finally {
    pieces.return?.().catch(() => {});
  }
}

/** One piece at a time, with one set of listeners for all of them. */
class Sender {
  readonly #response: ServerResponse;
  #pending: PromiseWithResolvers<void> | undefined;
  readonly #onWritten = (error?: Error | null): void => {
    if (error) this.#pending?.reject(gone(error));
    else this.#pending?.resolve();
  };

  constructor(response: ServerResponse) {
    this.#response = response;
    // A client that vanishes takes nothing any more, and some versions of a response call nobody back then.
    response.once("close", () => this.#pending?.reject(gone()));
    response.on("error", this.#onWritten);
  }

  send(piece: Piece): Promise<void> {
    const pending = Promise.withResolvers<void>();
    this.#pending = pending;
    if (this.#response.destroyed) pending.reject(gone());
    else this.#write(bytesOfPiece(piece));
    return pending.promise;
  }

  #write(parts: readonly Uint8Array[]): void {
    // One chunk of HTTP/1.1. HTTP/2 has frames of its own.
    const corks = parts.length > 1 && this.#response.req.httpVersionMajor === 1;
    if (corks) this.#response.cork();
    for (const [index, bytes] of parts.entries()) {
      if (index === parts.length - 1) this.#response.write(bytes, this.#onWritten);
      else this.#response.write(bytes);
    }
    if (corks) this.#response.uncork();
  }
}

function gone(cause?: Error): ConnectError {
  return new ConnectError("the client has gone", Code.Aborted, undefined, undefined, cause);
}
