/** Chooses the transport for each call, and loads the heavy one only when a call needs it. */
import { setMaxListeners } from "node:events";
import type { Destination } from "../endpoint.ts";
import { PmError } from "../errors.ts";
import { shareKeptConnections } from "./kept-connections.ts";
import { lightStream } from "./light-stream.ts";
import { lightUnary } from "./light-unary.ts";
import { abortedError } from "./local-errors.ts";
import type {
  StreamMethod,
  StreamMethods,
  Transport,
  TransportOptions,
  UnaryMethod,
  UnaryMethods,
} from "./transport.ts";

/**
 * Streams that have a connection of their own. The daemon takes a limited number of connections, so a program with many
 * streams has the others share some, over HTTP/2.
 */
const maxLightStreams = 16;

/** What may be large: calls of other kinds share the connection of unary calls over TLS. */
function isOutput(method: StreamMethod): boolean {
  return method === "pm.v1.ProcessService/StreamOutput" || method === "pm.v1.ProcessService/StreamOutputs";
}

const closedReason = new Error("the connection was closed with close()");

/** Opens no connection: the first call does. */
export function openTransport(destination: Destination): Transport {
  const closed = new AbortController();
  // A listener for each call under way: Node.js 22 warns of a leak from the eleventh on.
  setMaxListeners(0, closed.signal);
  let loading: Promise<Transport> | undefined;
  let lightStreams = 0;
  const connections = destination.kind === "unix" ? shareKeptConnections(destination.path) : undefined;

  const stock = async (): Promise<Transport> => {
    loading ??= import("./streaming.ts").then(({ stockTransport }) => stockTransport(destination));
    const transport = await loading;
    if (closed.signal.aborted) {
      transport.close();
    }
    return transport;
  };

  const withClosed = ({ signal, timeoutMs, reuse = false, joins = false }: TransportOptions): TransportOptions => ({
    reuse,
    joins,
    signal: signal === undefined ? closed.signal : AbortSignal.any([closed.signal, signal]),
    timeoutMs,
  });

  return {
    async unary<M extends UnaryMethod>(method: M, request: UnaryMethods[M][0], options: TransportOptions) {
      if (closed.signal.aborted) {
        throw abortedError(closed.signal);
      }
      return destination.kind === "unix"
        ? lightUnary(
            destination.path,
            method,
            request,
            withClosed(options),
            options.repeatable ? connections?.kept : undefined,
          )
        : (await stock()).unary(method, request, options);
    },
    async *stream<M extends StreamMethod>(method: M, request: StreamMethods[M][0], options: TransportOptions) {
      const isLight = destination.kind === "unix" || (destination.kind === "https" && isOutput(method));
      if (!isLight || lightStreams >= maxLightStreams) {
        yield* (await stock()).stream(method, request, options);
        return;
      }
      lightStreams += 1;
      try {
        if (destination.kind === "unix") {
          yield* lightStream(destination.path, method, request, withClosed(options));
          return;
        }
        const { tlsStream } = await import("./tls-stream.ts");
        const items = tlsStream(destination, method, request, withClosed(options));
        try {
          yield* items;
          return;
        } catch (error) {
          const isOver = error instanceof PmError && (error.reason === "ABORTED" || error.reason === "TIMEOUT");
          if (items.accepted || isOver) {
            throw error;
          }
          // The stock client knows why there is no connection, or why the daemon refuses the caller.
        }
      } finally {
        lightStreams -= 1;
      }
      yield* (await stock()).stream(method, request, options);
    },
    close() {
      // The reason that abort() would make by itself costs a stack.
      closed.abort(closedReason);
      connections?.letGo();
      loading?.then(
        (transport) => transport.close(),
        () => {},
      );
    },
  };
}
