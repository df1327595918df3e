/** How long a program may take to draw for a size before it is told the true one. Milliseconds. */
const REDRAW_MS = 100;

/** In character cells. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/**
 * Gives the terminal of a process the size of the one that is attached to it.
 * One change is under way at a time, so that the last to arrive is the true one.
 */
export class ProgramSize {
  readonly #size: () => TerminalSize;
  readonly #send: (size: TerminalSize) => Promise<void>;
  #wanted: "nothing" | "size" | "redraw" = "nothing";
  #work: Promise<void> | null = null;
  #drawn: (() => void) | null = null;
  #finished = false;

  /** `size`: of the attached terminal; `send` gives one to the process, and may fail. */
  constructor(size: () => TerminalSize, send: (size: TerminalSize) => Promise<void>) {
    this.#size = size;
    this.#send = send;
  }

  /** The attached terminal has another size. */
  resized(): void {
    this.#want(this.#wanted === "redraw" ? "redraw" : "size");
  }

  /**
   * Has the program draw its screen anew: programs do when the size of their
   * terminal changes, so it is another one for a moment.
   */
  redraw(): void {
    this.#want("redraw");
  }

  /** The program has written something. */
  drawn(): void {
    this.#drawn?.();
  }

  /** Begins nothing more; resolves when the process has the true size. */
  async finish(): Promise<void> {
    this.#finished = true;
    this.#drawn?.();
    await this.#work;
  }

  #want(what: "size" | "redraw"): void {
    if (!this.#finished) {
      this.#wanted = what;
      this.#work ??= this.#change();
    }
  }

  async #change(): Promise<void> {
    try {
      while (this.#wanted !== "nothing") {
        const wanted = this.#wanted;
        this.#wanted = "nothing";
        if (wanted === "redraw") {
          const { rows, columns } = this.#size();
          await this.#send({ rows: rows + 1, columns });
          await this.#drawing();
        }
        await this.#send(this.#size());
      }
    } catch {
      // The process has ended, or the connection is gone: its output tells.
    } finally {
      this.#work = null;
    }
  }

  /** Resolves when the program has drawn, or has had the time for it. */
  async #drawing(): Promise<void> {
    if (this.#finished) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, REDRAW_MS);
    this.#drawn = resolve;
    await promise;
    this.#drawn = null;
    clearTimeout(timer);
  }
}
