/** A table that is drawn again and again on a screen of its own, which is given back whatever ends the command. */
import type { Caller } from "../caller.ts";

const enter = "\x1b[?1049h\x1b[?25l";
const leave = "\x1b[?25h\x1b[?1049l";
const defaultRows = 24;

export class LiveScreen {
  readonly #caller: Caller;
  readonly #own: NodeJS.Process;

  /** Takes the screen. */
  constructor(caller: Caller) {
    this.#caller = caller;
    this.#own = caller.ownProcess();
    const restore = (): void => caller.print(leave);
    this.#own.once("exit", restore);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      this.#own.once(signal, () => {
        this.#own.off("exit", restore);
        restore();
        // By the signal itself, so that whoever waits for pm sees what ended it.
        this.#own.kill(this.#own.pid, signal);
      });
    }
    caller.print(enter);
  }

  /** As many lines as there is room for. */
  draw(text: string): void {
    const lines = text
      .split("\n")
      .slice(0, -1)
      .slice(0, this.#own.stdout.rows || defaultRows);
    this.#caller.print(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`);
  }
}
