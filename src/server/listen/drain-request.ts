/**
 * Drains a request of one message before the response is sent, also if it was
 * refused long before: what is left of it is read and thrown away.
 *
 * An HTTP/2 client on Node.js counts what it has still to send against its
 * session's memory (10 MB). Above that it refuses every response, and it never
 * discounts what it had to send on a stream that was closed. So one message
 * that is too long, or a few, make the session useless if the response comes
 * early. Over HTTP/1.1, connect-node leaves a request whose response came early
 * unfinished and its connection blocked.
 */
import { constants } from "node:http2";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import type { Exchange, NodeResponse } from "./http-types.ts";

/** How much of a request is read after it was refused. */
export interface DiscardLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** In place of `handler`, which must be of a method whose requests are one message: others wait for the response. */
export async function drainRequest(
  handler: (request: UniversalServerRequest) => Promise<UniversalServerResponse>,
  universalRequest: UniversalServerRequest,
  { request, response }: Exchange,
  limits: DiscardLimits,
): Promise<UniversalServerResponse> {
  const chunks: AsyncIterator<Uint8Array> = request[Symbol.asyncIterator]();
  // Without return(): a reader that gives up would destroy the request, and nobody could read the rest.
  const body = { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) };
  const universalResponse = await handler({ ...universalRequest, body });
  if (!request.readableEnded && !(await discard(chunks, limits))) {
    endAfterResponse(response);
  }
  return universalResponse;
}

/** Whether that reached the end. */
async function discard(chunks: AsyncIterator<Uint8Array>, { maxBytes, timeoutMs }: DiscardLimits): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), timeoutMs);
  });
  try {
    for (let bytes = 0; bytes <= maxBytes; ) {
      const chunk = await Promise.race([chunks.next(), late]);
      if (chunk === "late") {
        return false;
      }
      if (chunk.done === true) {
        return true;
      }
      bytes += chunk.value.length;
    }
    return false;
  } catch {
    // The client has gone: nothing follows.
    return true;
  } finally {
    clearTimeout(timer);
  }
}

/** Lets the response out, and then no more in. */
function endAfterResponse(response: NodeResponse): void {
  if (!("stream" in response)) {
    response.setHeader("connection", "close");
    return;
  }
  const { stream } = response;
  // Other calls go on; new ones get a new connection, and a client on Node.js with it all of its memory back.
  // Told before the response, the client knows when it makes its next call.
  stream.session?.close();
  stream.once("wantTrailers", () => {
    // The trailers are the response's end; a reset at once would overtake them.
    setImmediate(() => {
      // Not NO_ERROR: a client that could not take the response would wait for ever.
      stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      // What has come and nobody reads would keep the stream, and with it the connection.
      stream.destroy();
    });
  });
}
