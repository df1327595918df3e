/** How far a command is that acts on many, for somebody who waits at a terminal. */
import type { Caller } from "../caller.ts";

/** Milliseconds after which a person wonders, and after which the count is written again. */
const patienceMs = 1000;

export class Progress {
  readonly #caller: Caller;
  readonly #doing: string;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #total: number | undefined;
  #shown = false;

  /** @param doing what is done to each: "stopping" */
  constructor(caller: Caller, doing: string) {
    this.#caller = caller;
    this.#doing = doing;
    caller.onEnd(() => this.end());
  }

  /** From now on there is something to wait for. `total` is asked only if it takes long. */
  expect(total: () => Promise<number>): void {
    if (!this.#caller.terminal.stderr) {
      return;
    }
    const show = (): void => {
      this.#shown = true;
      const of = this.#total === undefined ? "" : ` of ${this.#total}`;
      this.#caller.note(`\r\x1b[Kpm: ${this.#doing}: ${this.#count}${of} done`);
    };
    this.#timer = setTimeout(() => {
      total().then(
        (count) => {
          this.#total = count;
        },
        () => {}, // It is only a number.
      );
      show();
      this.#timer = setInterval(show, patienceMs);
    }, patienceMs);
  }

  done(): void {
    this.#count += 1;
  }

  /** Makes room for something that stays. */
  clear(): void {
    if (this.#shown) {
      this.#shown = false;
      this.#caller.note("\r\x1b[K");
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.clear();
  }
}
