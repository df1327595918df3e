/**
 * Responses to requests that are refused before any service sees them, in the
 * form that the clients of each protocol read.
 */
import type { ServerResponse } from "node:http";
import { constants } from "node:http2";
import { createRegistry } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { errorToJson } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { errorDetails } from "../rpc/errors.ts";
import type { NodeRequest, NodeResponse } from "./http-types.ts";

export interface Refusal {
  /** What HTTP calls it. */
  readonly status: 401 | 403 | 429 | 501 | 503;
  readonly error: ConnectError;
  readonly headers?: Readonly<Record<string, string>>;
}

const detailRegistry = createRegistry(...errorDetails);

/** How much of a refused request's body is read and thrown away, so that its client gets to reading the response. */
const drainedBytes = 256 * 1024;
const drainTimeoutMs = 2000;

/** Of an envelope with the end of a Connect stream (https://connectrpc.com/docs/protocol/#error-end-stream). */
const endStreamFlag = 0b10;

/**
 * Clients that read a gRPC status, or the error of a stream, under HTTP 200
 * alone: connect-go (grpcValidateResponse, connectStreamingClientConn) and
 * connect-es (validateResponse). They name themselves so unless told otherwise.
 */
const readsOnlyOk = /^(?:connect-(?:go|es)|grpc-go-connect)\//;

/**
 * Responds and lets go of the request without waiting for its body.
 *
 * - gRPC and gRPC-Web get their status in the headers (a Trailers-Only
 *   response), beside HTTP 401 or 403 where credentials are refused. Clients
 *   that look at the HTTP status first read those as UNAUTHENTICATED and
 *   PERMISSION_DENIED
 *   (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
 *   The same table turns 429 and 503 into UNAVAILABLE, which clients retry at
 *   once: there the HTTP status is 200 and the gRPC status alone speaks.
 * - Connect streams end under HTTP 200 with their error, as Connect's clients
 *   take theirs from nowhere else; but credentials are refused with 401 and
 *   403, for whoever reads no more than that.
 * - Clients that would lose the reason by 401 and 403 get 200 in both.
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
  const { "user-agent": userAgent, "x-user-agent": webUserAgent } = request.headers;
  const inStatus = (status === 401 || status === 403) && !readsOnlyOk.test(String(userAgent ?? webUserAgent));
  const contentType = request.headers["content-type"] ?? "";
  let body: Uint8Array = new Uint8Array();
  if (/^application\/grpc(?:$|[-+;])/i.test(contentType)) {
    response.statusCode = inStatus ? status : 200;
    response.setHeader("content-type", contentType);
    setTrailerStatus(new Headers(), error).forEach((value, name) => {
      response.setHeader(name, value);
    });
  } else if (!inStatus && /^application\/connect\+/i.test(contentType)) {
    response.statusCode = 200;
    response.setHeader("content-type", contentType);
    body = enveloped(endStreamFlag, { error: errorToJson(error, { registry: detailRegistry }) });
  } else {
    response.statusCode = status;
    response.setHeader("content-type", "application/json");
    body = Buffer.from(JSON.stringify(errorToJson(error, { registry: detailRegistry })));
  }
  if ("stream" in response) {
    endStream(response, body);
    return;
  }
  // Without a stream it is HTTP/1.
  respondThenDrain(request, response, body);
}

function enveloped(flags: number, json: object): Uint8Array {
  const data = Buffer.from(JSON.stringify(json));
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, data]);
}

/**
 * RFC 9113, section 8.1: a response that needs no more of the request ends the
 * stream with NO_ERROR. Without a body the headers are its end: grpc-go reads a
 * status in headers only there, and the compatibility API of Node.js would send
 * an empty frame of data after them.
 */
function endStream(response: Extract<NodeResponse, { stream: unknown }>, body: Uint8Array): void {
  const { stream } = response;
  if (stream.destroyed || stream.closed) {
    // The client has taken its request back; to respond would throw.
    return;
  }
  if (body.length > 0) {
    response.once("finish", () => stream.close());
    response.end(body);
    return;
  }
  stream.respond(
    { ...response.getHeaders(), [constants.HTTP2_HEADER_STATUS]: response.statusCode },
    { endStream: true },
  );
  stream.end();
  // A reset at once would overtake the headers.
  setImmediate(() => stream.close());
}

/**
 * Sends the whole response at once, but ends it, and with it the connection,
 * only when the request has been read: a client that still writes to a closed
 * connection gets EPIPE or a reset and may never read the response (RFC 9112,
 * section 9.6).
 */
function respondThenDrain(request: NodeRequest, response: ServerResponse, body: Uint8Array): void {
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
