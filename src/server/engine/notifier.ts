/**
 * Wakes whoever waits for something to change. A wake-up is a hint: the waiter
 * looks again at what it waits for, and waits again if that is not there yet.
 */
export class Notifier {
  readonly #waiters = new Set<() => void>();

  notify(): void {
    // Most changes of a process happen while nobody waits for one.
    if (this.#waiters.size === 0) return;
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }

  /**
   * Waits for the next `notify`, at most `timeoutMs` (default: no bound).
   * Answers whether it was notified. Rejects with the signal's reason.
   */
  wait(signal?: AbortSignal, timeoutMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      let timer: NodeJS.Timeout | undefined;
      const end = () => {
        this.#waiters.delete(wake);
        signal?.removeEventListener("abort", abort);
        clearTimeout(timer);
      };
      const wake = () => {
        end();
        resolve(true);
      };
      const abort = () => {
        end();
        reject(signal?.reason);
      };
      this.#waiters.add(wake);
      signal?.addEventListener("abort", abort);
      if (timeoutMs !== Number.POSITIVE_INFINITY) {
        timer = setTimeout(
          () => {
            end();
            resolve(false);
          },
          // setTimeout(3) reads longer delays as 1 ms.
          Math.min(Math.max(timeoutMs, 0), 2 ** 31 - 1),
        );
      }
    });
  }
}
