/** Whether the daemon still responds while a call waits for something that may take for ever. */
import type { PmError } from "../errors.ts";
import { isTimeout, unresponsiveError } from "../transport/local-errors.ts";

/** An eye on one call that waits. */
export interface Watch {
  /** The daemon has sent something. */
  heard(): void;
  stop(): void;
}

/**
 * A daemon that somebody stopped (SIGSTOP), or that hangs, keeps its
 * connections: a call that waits cannot tell it from one that has nothing to
 * say. After some time of silence it is asked something on another connection;
 * only if that is not answered either, the call ends.
 */
export class Responsiveness {
  readonly #ask: (timeoutMs: number) => Promise<unknown>;
  readonly #patienceMs: number;
  /** Calls that wait at the same time ask once. */
  #asking: Promise<unknown> | undefined;

  /**
   * @param ask asks something that is answered at once; rejects with `TIMEOUT` if it is not
   * @param patienceMs so long it may be silent, and so long it may then take to answer
   */
  constructor(ask: (timeoutMs: number) => Promise<unknown>, patienceMs: number) {
    this.#ask = ask;
    this.#patienceMs = patienceMs;
  }

  /**
   * Resolves when it has answered, whatever it says. Also if there is no daemon: the call finds that out by itself.
   *
   * @throws PmError `TIMEOUT`, which says what was waited for
   */
  async expect(what: string): Promise<void> {
    this.#asking ??= this.#ask(this.#patienceMs).finally(() => {
      this.#asking = undefined;
    });
    try {
      await this.#asking;
    } catch (error) {
      if (isTimeout(error)) {
        throw unresponsiveError(this.#patienceMs, what, error);
      }
    }
  }

  /** Calls back at most once. */
  watch(what: string, onUnresponsive: (error: PmError) => void): Watch {
    let heard = performance.now();
    let timer: NodeJS.Timeout | undefined;
    let stopped = false;
    const next = (): void => {
      // The connection keeps the event loop alive.
      timer = setTimeout(look, Math.max(heard + this.#patienceMs - performance.now(), 1)).unref();
    };
    const look = (): void => {
      if (performance.now() - heard < this.#patienceMs) {
        next();
        return;
      }
      this.expect(what).then(
        () => {
          heard = performance.now();
          if (!stopped) {
            next();
          }
        },
        (error: PmError) => {
          if (!stopped) {
            onUnresponsive(error);
          }
        },
      );
    };
    next();
    return {
      heard() {
        heard = performance.now();
      },
      stop() {
        stopped = true;
        clearTimeout(timer);
      },
    };
  }
}
