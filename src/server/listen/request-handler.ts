import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import { createAsyncIterable, type UniversalHandler, type UniversalServerRequest } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { Log } from "../log.ts";
import { callerKey } from "../rpc/caller.ts";
import { keepingJson, refuseUnknownSent } from "../rpc/edge/sent-json.ts";
import { encodedFramesFor, encodedFramesKey, type Piece } from "../rpc/encoded-frames.ts";
import { addReason } from "../rpc/errors.ts";
import { contractInterceptors } from "../rpc/interceptors/index.ts";
import { refusalOf } from "./admission.ts";
import { canceledWhen } from "./canceled-response.ts";
import { type DiscardLimits, drainRequest } from "./drain-request.ts";
import type { CallerOnConnection, Exchange, NodeRequest, NodeResponse, RequestHandler } from "./http-types.ts";
import {
  discardMaxBytes,
  maxTimeoutMs,
  readMaxBytes,
  requestTimeoutMs,
  unreadMaxBytes,
  unreadTimeoutMs,
  writeMaxBytes,
} from "./limits.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { backpressureKey, backpressureOf, type UnreadLimits } from "./response-backpressure.ts";
import { sendResponse } from "./send-response.ts";
import { ShortCalls } from "./short-call.ts";

export interface RequestHandlerOptions {
  readonly routes: (router: ConnectRouter) => void;
  /** Aborted with the error that calls under way shall end with. */
  readonly shutdownSignal: AbortSignal;
  readonly log: Log;
  /** Run inside the error translation. Default: none. */
  readonly interceptors?: readonly Interceptor[];
  /** How much is read of a request that was refused. Default: 64 MiB in two minutes. */
  readonly discard?: DiscardLimits;
  /** How much a client may leave unread before its calls must wait. Default: 64 MiB, 10 seconds. */
  readonly unread?: UnreadLimits;
}

interface Limits {
  readonly discard: DiscardLimits;
  readonly unread: UnreadLimits;
}

interface Serving {
  readonly log: Log;
  readonly limits: Limits;
  /** The whole request, if it has been read. */
  readonly body: Uint8Array | undefined;
}

/**
 * Serves gRPC, gRPC-Web and Connect. In place of connectNodeAdapter, of which
 * it keeps the two conversions, because that one
 * - throws out of the request event, and so ends the process, if the request's
 *   authority is missing or makes no URL (`Host: a b`);
 * - leaves a handler waiting for ever for a drain event if the client vanishes
 *   while the response is blocked;
 * - compresses by default, which costs four times the processor time and
 *   buffers what a stalled client does not read;
 * - responds to a message that is too long before it has come;
 * - tells a handler whose client canceled the call that a write failed;
 * - writes failures to the console.
 */
export function createRequestHandler(options: RequestHandlerOptions): RequestHandler {
  const { shutdownSignal, log } = options;
  const interceptors = [...contractInterceptors(log), refuseWhen(shutdownSignal), ...(options.interceptors ?? [])];
  const shortCalls = new ShortCalls({ interceptors, shutdownSignal, log });
  const router = createConnectRouter({
    acceptCompression: [],
    // A misspelled field would be dropped in silence, and an empty filter selects everything.
    jsonOptions: { ignoreUnknownFields: false },
    readMaxBytes,
    writeMaxBytes,
    maxTimeoutMs,
    shutdownSignal,
    // A message that is too long or malformed is refused before any interceptor
    // runs. What a call failed with ends its signal before it is written down.
    requestGate: (context) => {
      const { signal, values } = context;
      const complete = () => addReason(signal.reason, log, (root) => refuseUnknownSent(context, root));
      signal.addEventListener("abort", complete, { once: true });
      return values.get(backpressureKey)?.admit(signal);
    },
    interceptors,
  });
  options.routes(shortCalls.recording(router));
  const limits: Limits = {
    discard: options.discard ?? { maxBytes: discardMaxBytes, timeoutMs: requestTimeoutMs },
    unread: options.unread ?? { maxBytes: unreadMaxBytes, timeoutMs: unreadTimeoutMs },
  };
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  return (request, response, caller) => {
    // Without a listener an error of either ends the process.
    request.on("error", () => {});
    response.on("error", () => {});
    const handler = handlers.get(request.url?.split("?", 1)[0] ?? "");
    const refusal = refusalOf(request, handler?.method, caller);
    if (handler === undefined || refusal !== undefined) {
      refuse(request, response, refusal as Refusal);
      return;
    }
    const exchange = { request, response };
    const serveWith = (body?: Uint8Array) => {
      try {
        serve(handler, exchange, caller, { log, limits, body });
      } catch (error) {
        log.debug({ err: error, path: handler.requestPath }, "refused a malformed request");
        respond(response, 400);
      }
    };
    if (!shortCalls.serve(exchange, caller, serveWith)) serveWith();
  };
}

function serve(
  handler: UniversalHandler,
  exchange: Exchange,
  { principal, peer }: CallerOnConnection,
  { log, limits, body: read }: Serving,
): void {
  const { request, response } = exchange;
  forgetEndlessTimeouts(request.headers);
  // The authority means nothing here: routes do not depend on it, and each
  // listener authenticates by other means.
  request.headers[":authority" in request.headers ? ":authority" : "host"] = "localhost";
  // A response that is closed drains no more; its writer waits for just that.
  response.once("close", () => response.emit("drain"));

  const backpressure = backpressureOf(response, limits.unread);
  const contentType = request.headers["content-type"] ?? "";
  const { methodKind } = handler.method;
  const encoded = methodKind === "server_streaming" ? encodedFramesFor(contentType) : undefined;
  const contextValues = createContextValues()
    .set(backpressureKey, backpressure)
    .set(callerKey, { principal, peer })
    .set(encodedFramesKey, encoded);
  const taken = universalRequestFromNodeRequest(request, response, undefined, contextValues);
  const universalRequest = read === undefined ? taken : { ...taken, body: createAsyncIterable([read]) };
  const clientIsGone = () => universalRequest.signal.aborted || (!("stream" in request) && request.socket.destroyed);
  const isOneMessage = methodKind === "unary" || methodKind === "server_streaming";
  const keeping = ({ body, ...head }: UniversalServerRequest) =>
    handler({ ...head, body: keepingJson(body as AsyncIterable<Uint8Array>, contentType, contextValues) });
  const drained = () =>
    read === undefined ? drainRequest(keeping, universalRequest, exchange, limits.discard) : keeping(universalRequest);
  (isOneMessage ? drained() : handler(universalRequest))
    .then(({ body: sent, ...head }) => {
      const guarded = <Sent extends Piece>(body: AsyncIterable<Sent>) =>
        canceledWhen(clientIsGone, backpressure?.counting(body) ?? body);
      return encoded && sent
        ? sendResponse({ ...head, body: guarded(encoded.insertInto(sent)) }, response)
        : universalResponseToNodeResponse({ ...head, ...(sent && { body: guarded(sent) }) }, response);
    })
    .catch((error: unknown) => {
      if (isDisconnect(error) || clientIsGone()) {
        return;
      }
      log.warn({ err: error, path: handler.requestPath }, "could not respond to a call");
      if (!response.headersSent) {
        respond(response, 500);
      } else {
        response.destroy();
      }
    });
}

/** A connection may bring a call when the calls under way have been told to end. */
function refuseWhen(stopping: AbortSignal): Interceptor {
  return (next) => (request) => {
    stopping.throwIfAborted();
    return next(request);
  };
}

/**
 * A timeout beyond what a timer can wait is as good as none, and the client
 * keeps it itself; Connect would hand it to setTimeout(), which then fires at
 * once and warns on stderr.
 */
function forgetEndlessTimeouts(headers: NodeRequest["headers"]): void {
  const [, digits = "", unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(String(headers["grpc-timeout"] ?? "")) ?? [];
  if (Number(digits) * (grpcTimeoutUnits[unit] ?? 0) > maxTimeoutMs) {
    delete headers["grpc-timeout"];
  }
  if (
    /^\d{1,10}$/.test(String(headers["connect-timeout-ms"])) &&
    Number(headers["connect-timeout-ms"]) > maxTimeoutMs
  ) {
    delete headers["connect-timeout-ms"];
  }
}

/** Milliseconds; https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const grpcTimeoutUnits: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

function isDisconnect(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.Aborted || code === Code.Canceled;
}

function respond(response: NodeResponse, status: number): void {
  if (response.destroyed || response.headersSent) {
    return;
  }
  if (response.req.httpVersionMajor === 1) {
    // What follows of the request would be taken for the next one.
    response.setHeader("connection", "close");
  }
  response.statusCode = status;
  response.end();
}
