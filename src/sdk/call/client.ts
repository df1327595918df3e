/** What every namespace of the SDK calls through: one transport, its time limits, and what to do without a daemon. */
import type { ConnectOptions, Destination } from "../endpoint.ts";
import type { PmError } from "../errors.ts";
import { openTransport } from "../transport/open.ts";
import type {
  StreamMethod,
  StreamMethods,
  TransportOptions,
  UnaryMethod,
  UnaryMethods,
} from "../transport/transport.ts";
import type { CallOptions, ReconnectOptions } from "../types.ts";
import { Attempts, type Repeatable } from "./attempts.ts";
import { Responsiveness } from "./responsiveness.ts";

/** Milliseconds; see `ConnectOptions`. */
const defaultTimeoutMs = 30_000;
const defaultReconnectMs = 60_000;
const defaultPatienceMs = 30_000;

/** How a unary call behaves. */
export interface CallKind {
  /** What it does, for its errors: "stopping web". */
  readonly what: string;
  /** @default "always" */
  readonly repeatable?: Repeatable;
  /** It waits for a process: it has no time limit but its own. @default false */
  readonly waits?: boolean;
  /** The time limit to name in the error of one that passed. @default the call's `timeoutMs` */
  readonly limitMs?: number;
  /** It makes no sense to start a daemon for it, or to ask the next one. @default false */
  readonly thisDaemonOnly?: boolean;
}

export class Client {
  readonly #transport: ReturnType<typeof openTransport>;
  readonly #options: ConnectOptions;
  readonly #responsiveness: Responsiveness;
  /** Several calls that find no daemon at the same time ask once. */
  #search: Promise<boolean> | undefined;
  /** When a search last found one. */
  #found = Number.NEGATIVE_INFINITY;

  constructor(destination: Destination, options: ConnectOptions) {
    this.#transport = openTransport(destination);
    this.#options = options;
    this.#responsiveness = new Responsiveness(
      (timeoutMs) => this.#transport.unary("pm.v1.DaemonService/GetInfo", {}, { timeoutMs }),
      options.patienceMs ?? defaultPatienceMs,
    );
  }

  /** Calls, and calls again where that is safe. */
  async unary<M extends UnaryMethod>(
    method: M,
    request: UnaryMethods[M][0],
    options: CallOptions & ReconnectOptions,
    kind: CallKind,
  ): Promise<UnaryMethods[M][1]> {
    const attempts = this.attempts(options, kind);
    const repeatable = kind.repeatable !== "unsent" && !kind.thisDaemonOnly;
    for (;;) {
      try {
        const response = await this.#attempt(attempts, (call) =>
          this.#transport.unary(method, request, { ...call, repeatable }),
        );
        attempts.succeeded();
        return response;
      } catch (error) {
        await attempts.again(error);
      }
    }
  }

  /** One attempt; a call that may wait for ever ends with a daemon that no longer responds. */
  async #attempt<T>(attempts: Attempts, work: (options: TransportOptions) => Promise<T>): Promise<T> {
    const options = attempts.callOptions();
    const unresponsive = new AbortController();
    const watch = attempts.watch((error) => unresponsive.abort(error));
    if (watch === undefined) {
      return work(options);
    }
    const { signal: given } = options;
    const signal = given === undefined ? unresponsive.signal : AbortSignal.any([given, unresponsive.signal]);
    try {
      return await work({ ...options, signal });
    } catch (error) {
      throw unresponsive.signal.aborted && !given?.aborted ? unresponsive.signal.reason : error;
    } finally {
      watch.stop();
    }
  }

  /** One attempt at a stream. */
  stream<M extends StreamMethod>(
    method: M,
    request: StreamMethods[M][0],
    options: TransportOptions,
  ): AsyncIterable<StreamMethods[M][1]> {
    return this.#transport.stream(method, request, options);
  }

  attempts(options: CallOptions & ReconnectOptions, kind: CallKind): Attempts {
    const { repeatable = "always", waits = false, thisDaemonOnly = false, what, limitMs } = kind;
    const { reconnect, reconnectMs, onConnection, onUnreachable, timeoutMs } = this.#options;
    const told = options.onConnection ?? onConnection;
    const patience = options.reconnectMs ?? reconnectMs ?? defaultReconnectMs;
    return new Attempts({
      what,
      repeatable,
      signal: options.signal,
      limitMs,
      timeoutMs: options.timeoutMs ?? (waits ? undefined : (timeoutMs ?? defaultTimeoutMs)),
      reconnect: !thisDaemonOnly && (options.reconnect ?? reconnect ?? true),
      reconnectMs: patience,
      // Who waits for ever for a daemon to come does so for one to respond, too.
      responsiveness: waits && patience !== Number.POSITIVE_INFINITY ? this.#responsiveness : undefined,
      ...(told !== undefined && { onConnection: told }),
      ...(onUnreachable !== undefined &&
        !thisDaemonOnly && {
          findDaemon: (error: PmError, begun: number) => this.#findDaemon(onUnreachable, error, begun),
        }),
    });
  }

  close(): void {
    this.#transport.close();
  }

  #findDaemon(ask: NonNullable<ConnectOptions["onUnreachable"]>, error: PmError, begun: number): Promise<boolean> {
    if (begun < this.#found) {
      return Promise.resolve(true); // The attempt failed before the daemon came that there is by now.
    }
    this.#search ??= Promise.resolve()
      .then(() => ask(error))
      .then((found) => {
        if (found) {
          this.#found = performance.now();
        }
        return found;
      })
      .finally(() => {
        this.#search = undefined;
      });
    return this.#search;
  }
}
