/** Writes to one standard input, one after the other. An abandoned one frees its data at once. */
export class InputQueue {
  readonly #waiting: Turn[] = [];
  #busy = false;

  /** Those that wait and the one under way. */
  get length(): number {
    return this.#waiting.length + (this.#busy ? 1 : 0);
  }

  /**
   * Runs `work` when all that came before is done. Aborting before its turn
   * takes it out of the queue, and with it whatever it refers to.
   */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = () => {
        const at = this.#waiting.indexOf(turn);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal.reason);
      };
      const turn: Turn = {
        begin: () => {
          work()
            .then(resolve, reject)
            .finally(() => {
              signal.removeEventListener("abort", abort);
              this.#next();
            });
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.push(turn);
      if (!this.#busy) this.#next();
    });
  }

  #next(): void {
    const turn = this.#waiting.shift();
    this.#busy = turn !== undefined;
    turn?.begin();
  }
}

interface Turn {
  readonly begin: () => void;
}
