/** The longest time that setTimeout can wait. */
const maxDelayMs = 2 ** 31 - 1;

interface Entry {
  readonly key: string;
  readonly due: number;
  readonly run: () => void;
}

/**
 * Everything that is due at some time, on one timer of the system: a heap by
 * the time that is due, on a clock that nobody sets. A key has one time; giving
 * it another replaces the first.
 */
export class Timers {
  #heap: Entry[] = [];
  readonly #byKey = new Map<string, Entry>();
  #timer: NodeJS.Timeout | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  #closed = false;
  readonly #onError: (error: unknown) => void;

  /** @param onError Told what a timer has thrown; the others go on. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get size(): number {
    return this.#byKey.size;
  }

  set(key: string, delayMs: number, run: () => void): void {
    if (this.#closed) {
      return;
    }
    const entry = { key, due: performance.now() + Math.max(0, delayMs), run };
    this.#byKey.set(key, entry);
    this.#push(entry);
    this.#compact();
    this.#arm();
  }

  clear(key: string): void {
    this.#byKey.delete(key);
    this.#compact();
  }

  /** How many entries are kept: those that are due some time, and those that were replaced or cleared before. */
  get kept(): number {
    return this.#heap.length;
  }

  /** What was replaced or cleared stays until it is due, but no more than there are live ones. */
  #compact(): void {
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#byKey.size) {
      this.#heap = [...this.#byKey.values()].sort((a, b) => a.due - b.due);
    }
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#heap = [];
    this.#byKey.clear();
  }

  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.due >= this.#armedFor) {
      return;
    }
    clearTimeout(this.#timer);
    this.#armedFor = first.due;
    this.#timer = setTimeout(() => this.#fire(), Math.min(maxDelayMs, Math.max(0, first.due - performance.now())));
  }

  #fire(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = performance.now();
    for (let first = this.#heap[0]; first !== undefined && first.due <= now; first = this.#heap[0]) {
      this.#pop();
      if (this.#byKey.get(first.key) === first) {
        this.#byKey.delete(first.key);
        this.#runOne(first);
      }
    }
    this.#arm();
  }

  #runOne({ run }: Entry): void {
    try {
      run();
    } catch (error) {
      this.#onError(error);
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.due <= entry.due) {
        break;
      }
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) {
      return;
    }
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const a = heap[left];
      if (a === undefined) {
        break;
      }
      const b = heap[right];
      const child = b !== undefined && b.due < a.due ? right : left;
      const smaller = heap[child] as Entry;
      if (smaller.due >= last.due) {
        break;
      }
      heap[at] = smaller;
      at = child;
    }
    heap[at] = last;
  }
}
