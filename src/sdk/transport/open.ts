/** Chooses the transport for an endpoint, and loads the heavy one only when a call needs it. */
import type { Endpoint } from "../endpoint.ts";
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

/** Opens no connection: the first call does. */
export function openTransport(endpoint: Endpoint): Transport {
  const closed = new AbortController();
  let loading: Promise<Transport> | undefined;

  const stock = async (): Promise<Transport> => {
    loading ??= import("./streaming.ts").then(({ stockTransport }) => stockTransport(endpoint));
    const transport = await loading;
    if (closed.signal.aborted) {
      transport.close();
    }
    return transport;
  };

  return {
    async unary<M extends UnaryMethod>(method: M, request: UnaryMethods[M][0], options: TransportOptions) {
      if (closed.signal.aborted) {
        throw abortedError(closed.signal);
      }
      if (endpoint.kind === "unix") {
        const { signal, timeoutMs } = options;
        const either = signal === undefined ? closed.signal : AbortSignal.any([closed.signal, signal]);
        return lightUnary(endpoint.path, method, request, { signal: either, timeoutMs });
      }
      return (await stock()).unary(method, request, options);
    },
    async *stream<M extends StreamMethod>(method: M, request: StreamMethods[M][0], options: TransportOptions) {
      yield* (await stock()).stream(method, request, options);
    },
    close() {
      closed.abort();
      loading?.then(
        (transport) => transport.close(),
        () => {},
      );
    },
  };
}
