import type { OutputRun } from "./directory.ts";

type Wake = (run: OutputRun) => void;

/**
 * Tells whoever follows a run that something about it has changed: output that
 * `OutputSource.follow` asked for, its end, what its restart decided. A hint:
 * look again.
 */
export class OutputNews {
  readonly #listeners = new Set<() => void>();
  readonly #wakes = new Map<OutputRun, Wake | Set<Wake>>();

  /** `wake` must not throw. One function may be given for many runs. */
  subscribe(run: OutputRun, wake: Wake): void {
    const known = this.#wakes.get(run);
    // Thousands of runs have one follower each: a set for each would be most of its cost.
    if (known === undefined) this.#wakes.set(run, wake);
    else if (known instanceof Set) known.add(wake);
    else this.#wakes.set(run, new Set([known, wake]));
  }

  unsubscribe(run: OutputRun, wake: Wake): void {
    const known = this.#wakes.get(run);
    if (known instanceof Set) {
      known.delete(wake);
      if (known.size > 0) return;
    } else if (known !== wake) {
      return;
    }
    this.#wakes.delete(run);
  }

  notify(run: OutputRun): void {
    const known = this.#wakes.get(run);
    if (known === undefined) return;
    if (known instanceof Set) for (const wake of [...known]) wake(run);
    else known(run);
  }

  /** Calls `listener` whenever everybody is woken. */
  onAll(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  notifyAll(): void {
    for (const listener of [...this.#listeners]) listener();
    for (const run of [...this.#wakes.keys()]) this.notify(run);
  }
}
