/**
 * Unary calls over the Unix socket, by hand: HTTP/1.1 POSTs with JSON in the
 * Connect protocol.
 *
 * This is the one place where pm does itself what a library could. The reason
 * is measured: whole commands such as `pm ls` must stay below 1.8 times a bare
 * start of the runtime. Loading the protobuf runtime with the generated
 * descriptors costs 0.8 times that start, node:http and an HTTP/2 session more
 * on top, node:net with JSON 0.2 times. So nothing here may import
 * `@bufbuild/protobuf`, `@connectrpc/*`, `node:http` or `node:http2`.
 * TLS uses the stock client in `streaming.ts`; streams have `light-stream.ts`.
 *
 * Connections are kept for calls that may be repeated: see `kept-connections.ts`.
 */
import { PmError } from "../errors.ts";
import { errorFromConnectBody } from "./connect-error.ts";
import { HttpParseError, type HttpResponse, HttpResponseParser } from "./http1-response.ts";
import { Connection, type ConnectionUser, type KeptConnections } from "./kept-connections.ts";
import { busyRetryMs, protocolError, requestHead, setDeadline } from "./light-request.ts";
import { abortedError, lostError, timedOutError, unreachableError } from "./local-errors.ts";
import type { UnaryMethod, UnaryMethods } from "./transport.ts";

/** A page of processes has up to 3 MiB as a message and more as JSON, 3 MiB of output 4 MB. */
const limits = { head: 64 * 1024, body: 128 * 1024 * 1024 };

/** What bounds a call. */
export interface LightUnaryOptions {
  /** Any of them ends it. Not one signal of both: that would cost as much as making a request. */
  readonly signals: readonly AbortSignal[];
  /** Undefined: none. */
  readonly timeoutMs: number | undefined;
}

/** Calls `method` on the daemon behind the socket at `path`. Without `kept` the call has a connection of its own. */
export async function lightUnary<M extends UnaryMethod>(
  path: string,
  method: M,
  request: UnaryMethods[M][0],
  options: LightUnaryOptions,
  kept?: KeptConnections,
): Promise<UnaryMethods[M][1]> {
  const { status, headers, body } = await post(path, method, JSON.stringify(request), options, kept);
  const contentType = headers.get("content-type");
  if (status !== 200) {
    throw errorFromConnectBody(status, contentType, body);
  }
  if (contentType !== "application/json") {
    throw protocolError(`a response of type "${contentType ?? "none"}"`);
  }
  try {
    // The daemon is trusted to keep to the contract, which these types are made from; what the SDK must have, it checks
    // where it reads it.
    return JSON.parse(body.toString("utf8")) as UnaryMethods[M][1];
  } catch (error) {
    throw protocolError("malformed JSON", error);
  }
}

function post(
  path: string,
  method: UnaryMethod,
  body: string,
  options: LightUnaryOptions,
  kept: KeptConnections | undefined,
): Promise<HttpResponse> {
  const { signals, timeoutMs } = options;
  const head = requestHead(method, "application/json", Buffer.byteLength(body), timeoutMs, kept !== undefined);

  return new Promise((resolve, reject) => {
    const isAborted = (signal: AbortSignal): boolean => signal.aborted;
    const aborted = signals.find(isAborted);
    if (aborted !== undefined) {
      reject(abortedError(aborted));
      return;
    }
    let connection: Connection | undefined;
    let busyTimer: NodeJS.Timeout | undefined;
    let settled = false;
    const settle = (outcome: HttpResponse | PmError): void => {
      if (settled) {
        return;
      }
      settled = true;
      clearTimeout(deadline);
      clearTimeout(busyTimer);
      for (const signal of signals) {
        signal.removeEventListener("abort", onAbort);
      }
      const isKept = !(outcome instanceof PmError) && outcome.headers.get("connection")?.toLowerCase() === "keep-alive";
      if (isKept && kept !== undefined && connection !== undefined) {
        kept.giveBack(connection);
      } else {
        connection?.socket.destroy();
      }
      if (outcome instanceof PmError) {
        reject(outcome);
      } else {
        resolve(outcome);
      }
    };
    const onAbort = (): void => settle(abortedError(signals.find(isAborted)));
    // The socket, or the timer that stands in for it, keeps the event loop alive; this one need not.
    const deadline = setDeadline(timeoutMs, () => settle(timedOutError(timeoutMs ?? 0)));
    for (const signal of signals) {
      signal.addEventListener("abort", onAbort, { once: true });
    }

    const attempt = (): void => {
      const parser = new HttpResponseParser(limits);
      let isConnected = false;
      const isCurrent = (): boolean => connection?.user === user;
      const lost = (error?: NodeJS.ErrnoException): void => {
        if (taken !== undefined && error?.code === "EPIPE" && !settled) {
          // The daemon had closed it before the request was written: nothing was sent.
          attempt();
        } else {
          settle(lostError(error));
        }
      };
      const user: ConnectionUser = {
        connected() {
          isConnected = true;
          // The head is ASCII: all of it is one string and one write.
          connection?.socket.write(head + body);
        },
        data(bytes) {
          try {
            const response = parser.push(bytes);
            if (response !== undefined) {
              settle(response);
            }
          } catch (error) {
            settle(error instanceof HttpParseError ? protocolError(error.message, error) : lostError(error));
          }
        },
        failed(error) {
          if (!isCurrent()) {
            return;
          }
          if (isConnected) {
            lost(error);
          } else if (error.code === "EAGAIN" && !settled) {
            // unix(7), connect(2): the socket's queue is full. Nothing was sent.
            busyTimer = setTimeout(attempt, busyRetryMs());
          } else {
            settle(unreachableError(`unix://${path}`, error));
          }
        },
        ended() {
          if (isCurrent()) {
            lost();
          }
        },
      };
      const taken = kept?.take(user);
      connection = taken ?? new Connection(path, user);
      if (taken !== undefined) {
        user.connected();
      }
    };
    attempt();
  });
}
