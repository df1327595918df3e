/** Iteration whose end, however it comes, ends the work behind it. */

/**
 * Iterates `run`'s items. `return()`, which `break` and errors in a loop's body call, aborts the signal that `run` was
 * given, also while a `next()` waits for an item: an async generator alone would queue the `return()` behind it.
 */
export function cancellable<Item>(
  run: (signal: AbortSignal) => AsyncGenerator<Item, void, void>,
  outer: AbortSignal | undefined,
): AsyncIterableIterator<Item, void, void> {
  const own = new AbortController();
  const items = run(outer === undefined ? own.signal : AbortSignal.any([own.signal, outer]));
  return {
    async next() {
      try {
        return await items.next();
      } catch (error) {
        if (own.signal.aborted) {
          return { done: true, value: undefined };
        }
        throw error;
      }
    },
    async return() {
      own.abort();
      try {
        await items.return();
      } catch {
        // Whatever went wrong while it ended is of no interest to somebody who left.
      }
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
