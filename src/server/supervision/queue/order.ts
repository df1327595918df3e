/** Who is next in a queue. Pure. */

export interface QueueRecord {
  readonly name: string;
  /** How many run at a time, at least 1. */
  readonly parallelism: number;
  readonly paused: boolean;
  /** UUIDs of those that were moved to a place of their own, the next one first; others come after them. */
  readonly order: readonly string[];
}

export function newQueue(name: string): QueueRecord {
  return { name, parallelism: 1, paused: false, order: [] };
}

/** One that waits in a queue. */
export interface Waiter {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Tells apart those that came at the same time. */
  readonly sequence: number;
}

/** Those that wait, the next one first. */
export function inOrder(queue: QueueRecord, waiters: readonly Waiter[]): readonly string[] {
  const places = new Map(queue.order.map((id, index) => [id, index]));
  const place = (waiter: Waiter) => places.get(waiter.id) ?? Number.POSITIVE_INFINITY;
  return waiters
    .toSorted((a, b) => {
      const [left, right] = [place(a), place(b)];
      return left === right ? a.since - b.since || a.sequence - b.sequence : left - right;
    })
    .map((waiter) => waiter.id);
}

/** Those that may begin now. */
export function admitted(queue: QueueRecord, waiters: readonly Waiter[], running: number): readonly string[] {
  const room = queue.paused ? 0 : Math.max(0, queue.parallelism - running);
  return inOrder(queue, waiters).slice(0, room);
}

/**
 * The queue after one that waits was given another place, 1 for the next. The
 * places of all before it become fixed with it; those after it stay in the
 * order of their coming.
 */
export function moved(queue: QueueRecord, waiters: readonly Waiter[], id: string, position: number): QueueRecord {
  const others = inOrder(queue, waiters).filter((other) => other !== id);
  const index = Math.min(Math.max(1, position), others.length + 1) - 1;
  const fixed = others.filter((other, place) => place < index || queue.order.includes(other));
  return { ...queue, order: fixed.toSpliced(index, 0, id) };
}
