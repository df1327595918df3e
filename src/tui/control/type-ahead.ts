import type { InputEvent } from "../terminal/input.ts";

/** What is typed beyond this before the first list is dropped. */
const LIMIT = 1000;

/**
 * Keys typed before the first list has come are kept until it has: they mean
 * what is about to be there. Ctrl-C and Ctrl-Z work at once, q does unless keys
 * before it may give it another meaning.
 */
export class TypeAhead {
  #kept: InputEvent[] | null = [];

  /** Takes an event; false: it is to be handled now. */
  keep(event: InputEvent): boolean {
    if (!this.#kept || (event.type === "key" && this.#worksAtOnce(event.key, this.#kept.length))) {
      return false;
    }
    if (this.#kept.length < LIMIT) {
      this.#kept.push(event);
    }
    return true;
  }

  /** What was kept, in order; from now on nothing is. */
  release(): readonly InputEvent[] {
    const kept = this.#kept ?? [];
    this.#kept = null;
    return kept;
  }

  #worksAtOnce(key: string, before: number): boolean {
    return key === "ctrl+c" || key === "ctrl+z" || (key === "q" && before === 0);
  }
}
