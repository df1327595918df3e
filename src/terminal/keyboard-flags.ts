/** A program that pushes more without end must not cost memory without end; terminals keep less. Entries. */
const STACK_LIMIT = 4096;

/**
 * What a program has set of kitty's keyboard protocol on one of the terminal's
 * two screens: flags, and a stack of them that are pushed and popped
 * (https://sw.kovidgoyal.net/kitty/keyboard-protocol/#progressive-enhancement).
 */
export class KeyboardFlags {
  /** Flags below all that was pushed. */
  #base = 0;
  #pushed: number[] = [];

  /** Sets it again on a terminal that has none of it. */
  get enter(): string {
    const base = this.#base === 0 ? "" : `\x1b[=${this.#base}u`;
    return base + this.#pushed.map((flags) => `\x1b[>${flags}u`).join("");
  }

  /** Takes all of it back. */
  get leave(): string {
    const count = this.#pushed.length;
    const pop = count === 0 ? "" : `\x1b[<${count === 1 ? "" : count}u`;
    return pop + (this.#base === 0 ? "" : "\x1b[=0u");
  }

  /** Acts on `CSI parameters u`, if it is of the protocol. */
  control(parameters: string): void {
    const [, operation, first, second] = /^([<=>])(\d*)(?:;(\d*))?$/.exec(parameters) ?? [];
    switch (operation) {
      case ">":
        this.#pushed.push(Number(first));
        if (this.#pushed.length > STACK_LIMIT) {
          this.#pushed.shift();
        }
        return;
      case "<":
        this.#pop(Number(first) || 1);
        return;
      case "=":
        this.#set(Number(first), second ?? "");
        return;
    }
  }

  reset(): void {
    this.#base = 0;
    this.#pushed = [];
  }

  #pop(count: number): void {
    if (count > this.#pushed.length) {
      this.#base = 0;
    }
    this.#pushed.splice(Math.max(0, this.#pushed.length - count));
  }

  /** `how` is "1": all of them, "2": these too, "3": without these. */
  #set(flags: number, how: string): void {
    const top = this.#pushed.pop();
    const before = top ?? this.#base;
    const now = how === "2" ? before | flags : how === "3" ? before & ~flags : flags;
    if (top === undefined) {
      this.#base = now;
    } else {
      this.#pushed.push(now);
    }
  }
}
