import type { Selected } from "./reader.ts";

/** A read that is made while the one before is still being sent. */
export class ReadAhead {
  #immediate: NodeJS.Immediate | undefined;
  #reading: Promise<Selected> | undefined;

  /** Whether it was made. */
  get isMade(): boolean {
    return this.#reading !== undefined;
  }

  /** Makes it when everything else that is due has had its turn. */
  begin(read: () => Promise<Selected>): void {
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined;
      this.#reading = read();
      // Whoever takes it hears of its failure.
      this.#reading.catch(() => {});
    });
  }

  /** Undefined: it was not made, and is not any more. */
  take(): Promise<Selected> | undefined {
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
    const reading = this.#reading;
    this.#reading = undefined;
    return reading;
  }

  /** It is not needed. Its source may be closed when this resolves. */
  async drop(): Promise<void> {
    const read = await this.take()?.catch(() => undefined);
    read?.block?.release();
  }
}
