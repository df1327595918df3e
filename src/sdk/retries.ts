/** When to try again after a lost connection, and until when. */
import { PmError } from "./errors.ts";
import { abortedError, timedOutError } from "./transport/local-errors.ts";
import type { TransportOptions } from "./transport/transport.ts";
import type { CallOptions, ReconnectOptions } from "./types.ts";

/** Milliseconds. */
const firstPause = 100;
const longestPause = 5_000;

/** The attempts of one call: pauses grow exponentially with jitter, and the time limit holds for all of them together. */
export class Retries {
  readonly #signal: AbortSignal | undefined;
  readonly #timeoutMs: number | undefined;
  readonly #deadline: number;
  readonly #onConnection: ReconnectOptions["onConnection"];
  /** Failed attempts since the last success. */
  #attempts = 0;

  constructor({ signal, timeoutMs, onConnection }: CallOptions & Pick<ReconnectOptions, "onConnection">) {
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
    this.#deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    this.#onConnection = onConnection;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** What is left for the next attempt. Whole milliseconds: that is what the Connect protocol carries. */
  callOptions(): TransportOptions {
    const left = this.#deadline - performance.now();
    return { signal: this.#signal, timeoutMs: Number.isFinite(left) ? Math.max(Math.ceil(left), 1) : undefined };
  }

  /** The attempt that follows a pause has got through. */
  succeeded(): void {
    if (this.#attempts > 0) {
      const attempt = this.#attempts;
      this.#attempts = 0;
      this.#onConnection?.({ type: "reconnected", attempt });
    }
  }

  /**
   * Waits before the next attempt.
   *
   * @param error what ended the last one
   * @throws PmError `ABORTED`, `TIMEOUT`
   */
  async pause(error: PmError): Promise<void> {
    const ceiling = Math.min(firstPause * 2 ** Math.min(this.#attempts, 10), longestPause);
    const left = Math.max(this.#deadline - performance.now(), 0);
    const retryInMs = Math.round(Math.min(ceiling * (0.5 + Math.random() / 2), left));
    this.#attempts += 1;
    this.#onConnection?.({ type: "disconnected", error, attempt: this.#attempts, retryInMs });
    await this.#sleep(retryInMs);
    if (performance.now() >= this.#deadline) {
      throw timedOutError(this.#timeoutMs ?? 0, error);
    }
  }

  #sleep(milliseconds: number): Promise<void> {
    const signal = this.#signal;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(abortedError(signal));
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(abortedError(signal));
      };
      // Keeps the event loop alive on purpose: between two attempts nothing else does, and somebody awaits the outcome.
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, milliseconds);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

/** The connection was made and then lost, or the daemon said that it is going. */
export function isDisconnect(error: unknown): error is PmError {
  return error instanceof PmError && (error.reason === "DISCONNECTED" || error.reason === "SHUTTING_DOWN");
}

/** {@link isDisconnect}, or there is no daemon at all: one may come. */
export function isConnectionLoss(error: unknown): error is PmError {
  return isDisconnect(error) || (error instanceof PmError && error.reason === "UNREACHABLE");
}
