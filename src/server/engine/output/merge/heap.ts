/** The least item first: a binary heap. */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#up(this.#items.length - 1);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (first === undefined || last === undefined || this.#items.length === 0) return first;
    this.#items[0] = last;
    this.#down(0);
    return first;
  }

  /** The first item has moved back. */
  sink(): void {
    this.#down(0);
  }

  #up(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >>> 1;
      if (!this.#swapUnless(parent, at)) return;
      at = parent;
    }
  }

  #down(from: number): void {
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      const [a, b] = [this.#items[left], this.#items[left + 1]];
      if (a === undefined) return;
      const child = b !== undefined && this.#before(b, a) ? left + 1 : left;
      if (!this.#swapUnless(at, child)) return;
      at = child;
    }
  }

  /** Brings two items into order; whether they were not. */
  #swapUnless(parent: number, child: number): boolean {
    const [a, b] = [this.#items[parent], this.#items[child]];
    if (a === undefined || b === undefined || !this.#before(b, a)) return false;
    this.#items[parent] = b;
    this.#items[child] = a;
    return true;
  }
}
