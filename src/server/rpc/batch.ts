/** Calls by filter: the same operation on every process selected, and a result for each as it comes. */
import type { RequestContext } from "../engine/api/control.ts";

/**
 * How many are under way at a time. Most of a stop is waiting, so that this is
 * not about the processor, but about descriptors and memory.
 */
const parallelism = 256;

/**
 * Begins `operate` for each item at once, at most 256 at a time, and yields what
 * comes of it in the order in which it comes. Nobody who stops reading stops
 * the work: it goes on to its end, and what is not fetched is at most one
 * result for each item.
 *
 * @param operate must not reject: a failure is a result, too
 */
export function eachInParallel<Item, Result>(
  items: readonly Item[],
  operate: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const results: Result[] = [];
  let abandoned = false;
  let wake = () => {};
  const waiting = items.values();
  const work = async () => {
    for (const item of waiting) {
      const result = await operate(item);
      if (!abandoned) {
        results.push(result);
        wake();
      }
    }
  };
  for (let worker = 0; worker < Math.min(parallelism, items.length); worker++) {
    void work();
  }
  return (async function* () {
    try {
      for (let sent = 0; sent < items.length; sent++) {
        if (results.length === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        yield results.shift() as Result;
      }
    } finally {
      abandoned = true;
      results.length = 0;
    }
  })();
}

/**
 * The context of one process's share of a call by filter. The engine carries
 * out each request id once, so that each share needs one of its own.
 */
export function shareOf(context: RequestContext, id: string): RequestContext {
  return context.requestId === "" ? context : { ...context, requestId: `${context.requestId}/${id}` };
}
