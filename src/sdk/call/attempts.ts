/** The attempts of one call: when to try again after a lost connection, and until when. */
import { PmError } from "../errors.ts";
import {
  abortedError,
  isTimeout,
  timedOutError,
  wasRefusedUnread,
  wasUnresponsive,
} from "../transport/local-errors.ts";
import type { TransportOptions } from "../transport/transport.ts";
import type { ReconnectOptions } from "../types.ts";
import type { Responsiveness, Watch } from "./responsiveness.ts";

/** Milliseconds. */
const firstPause = 100;
const longestPause = 5_000;
/**
 * Connections that may be lost one after the other, each soon after the request was sent and before the call has got
 * through once, and for how long, in milliseconds: the request may be why. As many may be chance, where a daemon is
 * killed again and again while the machine is busy.
 */
const maxFirstLosses = 5;
const firstLossesMs = 20_000;
/** A daemon that had the request for so many milliseconds did not die of it. */
const harmlessMs = 1_000;

/**
 * Which lost attempts may be made again:
 *
 * - `"always"`: the call has no effect, or the daemon knows a request that it has seen
 * - `"unsent"`: only where nothing was sent
 */
export type Repeatable = "always" | "unsent";

/** What bounds the attempts. */
export interface AttemptsOptions extends ReconnectOptions {
  /** What the call does, for its errors: "stopping web". */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** For all attempts together. Undefined: none. */
  readonly timeoutMs?: number | undefined;
  /** The limit to name in the error of one that passed. @default `timeoutMs` */
  readonly limitMs?: number | undefined;
  readonly repeatable: Repeatable;
  /** Of a call that may wait for ever. */
  readonly responsiveness?: Responsiveness | undefined;
  /** See `ConnectOptions.onUnreachable`; resolves to whether there is a daemon now. `begun` is when the attempt began. */
  readonly findDaemon?: ((error: PmError, begun: number) => Promise<boolean>) | undefined;
}

/** See {@link AttemptsOptions}. Pauses grow exponentially with jitter; the time limit holds for all of it together. */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #deadline: number;
  /** Failed attempts since the call last got through. */
  #failed = 0;
  #losses = 0;
  /** Losses in a row of which the request may be the cause, and when the first of them was. */
  #unexplained = 0;
  #firstUnexplained = 0;
  #searches = 0;
  #gotThrough = false;
  #begun = performance.now();
  /** When a daemon was last there, as far as this call knows. */
  #seen = performance.now();

  constructor(options: AttemptsOptions) {
    this.#options = options;
    const { timeoutMs } = options;
    this.#deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  }

  /** What is left for the next attempt. Whole milliseconds: that is what the Connect protocol carries. */
  callOptions(): TransportOptions {
    this.#begun = performance.now();
    const left = this.#deadline - performance.now();
    return {
      signal: this.#options.signal,
      timeoutMs: Number.isFinite(left) ? Math.max(Math.ceil(left), 1) : undefined,
    };
  }

  /**
   * The daemon has been silent for longer than it should.
   *
   * @throws PmError `TIMEOUT` if it does not answer a question either
   */
  async expectResponse(): Promise<void> {
    await this.#options.responsiveness?.expect(this.#options.what);
  }

  /** Calls back when a silent daemon does not answer a question either. Undefined: the call has an end of its own. */
  watch(onUnresponsive: (error: PmError) => void): Watch | undefined {
    return this.#options.responsiveness?.watch(this.#options.what, onUnresponsive);
  }

  /** The daemon has responded. */
  succeeded(): void {
    this.#gotThrough = true;
    this.#seen = performance.now();
    if (this.#failed > 0) {
      const attempt = this.#failed;
      this.#failed = 0;
      this.#searches = 0;
      this.#options.onConnection?.({ type: "reconnected", attempt });
    }
  }

  /**
   * Resolves when it is time for the next attempt.
   *
   * @param error what ended the last one
   * @throws what the call rejects with if there is to be none
   */
  async again(error: unknown): Promise<void> {
    const { reconnect = true, findDaemon } = this.#options;
    if (!isConnectionLoss(error)) {
      throw this.#explain(error);
    }
    const isUnreachable = error.reason === "UNREACHABLE";
    const wasLost = this.#gotThrough || this.#losses > 0;
    if (!isUnreachable) {
      this.#losses += 1;
      // It was reached: the pause that follows is the one before the next search, too.
      this.#searches = 0;
      this.#seen = performance.now();
      this.#countUnexplained(error);
      if (!reconnect || !this.#mayRepeat(error) || this.#mayBeWhy()) {
        throw error;
      }
    } else if (wasLost && !reconnect) {
      throw error;
    }
    if (isUnreachable && findDaemon !== undefined) {
      // A daemon that was started and is gone again must not be started again and again without a pause.
      if (this.#searches > 0) {
        await this.#pause(error);
      }
      this.#searches += 1;
      if (await this.#race(findDaemon(error, this.#begun), error)) {
        return;
      }
    }
    if (isUnreachable && !wasLost) {
      throw error; // There was no daemon in the first place.
    }
    await this.#pause(error);
  }

  #countUnexplained(error: PmError): void {
    // A daemon that says that it is going has read no request: that cannot be why.
    if (error.reason !== "DISCONNECTED") {
      return;
    }
    if (this.#seen - this.#begun >= harmlessMs) {
      this.#unexplained = 0;
      return;
    }
    if (this.#unexplained === 0) {
      this.#firstUnexplained = this.#seen;
    }
    this.#unexplained += 1;
  }

  /** Whether it looks as if the request ended each daemon that got it. */
  #mayBeWhy(): boolean {
    const limitMs = Math.min(firstLossesMs, this.#options.reconnectMs ?? firstLossesMs);
    return !this.#gotThrough && this.#unexplained > maxFirstLosses && this.#seen - this.#firstUnexplained >= limitMs;
  }

  #mayRepeat(error: PmError): boolean {
    return this.#options.repeatable === "always" || wasRefusedUnread(error);
  }

  /** A time limit that passed says what was waited for. */
  #explain(error: unknown): unknown {
    return isTimeout(error) && !wasUnresponsive(error) ? this.#late(error as PmError) : error;
  }

  #late(cause: PmError): PmError {
    const { limitMs, timeoutMs = 0, what } = this.#options;
    return timedOutError(limitMs ?? timeoutMs, what, cause);
  }

  async #pause(error: PmError): Promise<void> {
    const { reconnectMs = Number.POSITIVE_INFINITY, onConnection } = this.#options;
    const patience = this.#seen + reconnectMs - performance.now();
    if (patience <= 0) {
      throw error;
    }
    const ceiling = Math.min(firstPause * 2 ** Math.min(this.#failed, 10), longestPause);
    const left = Math.max(this.#deadline - performance.now(), 0);
    const retryInMs = Math.round(Math.min(ceiling * (0.5 + Math.random() / 2), left, patience));
    this.#failed += 1;
    onConnection?.({ type: "disconnected", error, attempt: this.#failed, retryInMs });
    await this.#sleep(retryInMs, error);
    if (performance.now() >= this.#deadline) {
      throw this.#late(error);
    }
  }

  async #sleep(milliseconds: number, cause: PmError): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // Keeps the event loop alive on purpose: between two attempts nothing else does, and somebody awaits the outcome.
    const timer = setTimeout(resolve, milliseconds);
    try {
      await this.#race(promise, cause);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What the work comes to, unless the call ends first. */
  async #race<T>(work: Promise<T>, cause: PmError): Promise<T> {
    const { signal } = this.#options;
    if (signal?.aborted) {
      work.catch(() => {});
      throw abortedError(signal);
    }
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(abortedError(signal));
    const left = Math.max(this.#deadline - performance.now(), 0);
    // setTimeout() wraps around beyond 2^31.
    const timer = left < 2 ** 31 ? setTimeout(() => reject(this.#late(cause)), left) : undefined;
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([work, promise]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

/** The connection was made and then lost, the daemon said that it is going, or there is none: another one may come. */
export function isConnectionLoss(error: unknown): error is PmError {
  return (
    error instanceof PmError &&
    (error.reason === "DISCONNECTED" || error.reason === "SHUTTING_DOWN" || error.reason === "UNREACHABLE")
  );
}
