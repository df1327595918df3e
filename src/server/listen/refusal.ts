/**
 * Answers to requests that are refused before any service sees them, in the
 * form that the clients of each protocol read.
 */
import type { ServerResponse } from "node:http";
import { createRegistry } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { ErrorInfoSchema } from "../../../gen/ts/google/rpc/error_details_pb.ts";
import type { NodeRequest, NodeResponse } from "./request-handler.ts";

export interface Refusal {
  /** What HTTP calls it. */
  readonly status: 401 | 403 | 429 | 503;
  readonly error: ConnectError;
  readonly headers?: Readonly<Record<string, string>>;
}

const detailRegistry = createRegistry(ErrorInfoSchema);

/** How much of a refused request's body is read and thrown away, so that its client gets to reading the answer. */
const drainedBytes = 256 * 1024;
const drainTimeoutMs = 2000;

/**
 * Answers and lets go of the request without waiting for its body.
 *
 * - gRPC and gRPC-Web get their status in the headers (a Trailers-Only
 *   response) beside HTTP 401 or 403, which clients that look at the HTTP
 *   status first read as UNAUTHENTICATED and PERMISSION_DENIED
 *   (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
 *   The same table turns 429 and 503 into UNAVAILABLE, which clients retry at
 *   once: there the HTTP status is 200 and the gRPC status alone speaks.
 * - Everybody else gets Connect's JSON error.
 */
export function refuse(request: NodeRequest, response: NodeResponse, refusal: Refusal): void {
  const { error, status } = refusal;
  if (response.destroyed || response.headersSent) {
    return;
  }
  for (const [name, value] of Object.entries(refusal.headers ?? {})) {
    response.setHeader(name, value);
  }
  response.setHeader("cache-control", "no-store");
  let body: Uint8Array = new Uint8Array();
  const contentType = request.headers["content-type"] ?? "";
  if (/^application\/grpc(?:$|[-+;])/i.test(contentType)) {
    response.statusCode = status === 401 || status === 403 ? status : 200;
    response.setHeader("content-type", contentType);
    setTrailerStatus(new Headers(), error).forEach((value, name) => {
      response.setHeader(name, value);
    });
  } else {
    response.statusCode = status;
    response.setHeader("content-type", "application/json");
    body = errorToJsonBytes(error, { registry: detailRegistry });
  }
  if ("stream" in request && request.stream !== undefined) {
    // RFC 9113, section 8.1: an answer that needs no more of the request ends the stream with NO_ERROR.
    const { stream } = request;
    response.once("finish", () => stream.close());
    if (body.length > 0) {
      response.end(body);
    } else {
      response.end();
    }
    return;
  }
  // Without a stream it is HTTP/1.
  answerThenDrain(request, response as ServerResponse, body);
}

/**
 * Sends the whole answer at once, but ends it, and with it the connection, only
 * when the request has been read: a client that still writes to a closed
 * connection gets EPIPE or a reset and may never read the answer (RFC 9112,
 * section 9.6).
 */
function answerThenDrain(request: NodeRequest, response: ServerResponse, body: Uint8Array): void {
  response.setHeader("connection", "close");
  response.setHeader("content-length", body.length);
  response.flushHeaders();
  if (body.length > 0) {
    response.write(body);
  }
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, drainTimeoutMs);
  let drained = 0;
  request.on("data", (chunk: Uint8Array) => {
    drained += chunk.length;
    if (drained > drainedBytes) {
      end();
    }
  });
  request.once("end", end);
  request.once("close", end);
}
