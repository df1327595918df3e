import type { OutputRun } from "../directory.ts";

/** How long remains to resume a stream that was lost, in milliseconds (StreamOutput of the contract). */
const resumeMs = 30_000;
/** After the daemon's death: the reader may have been suspended (Ctrl-Z), and only when it goes on will there be another. */
const orphanMs = 5 * 60_000;
/** While its stream is open the deadline is moved this often. */
const renewMs = 10_000;
/**
 * The deadline while a stream is open: a daemon that dies right before it would
 * move it, or before a shim that was stopped takes it, leaves no less than `orphanMs`.
 */
const leaseMs = orphanMs + renewMs + 5_000;

/**
 * One holder of one run. While a stream is attached, the shim's deadline is
 * moved ahead; when none is, it simply runs out.
 */
export class Hold {
  readonly token: string;
  /** Everything before it was taken by the holder. */
  position: number;
  readonly #run: OutputRun;
  #attached = 0;
  #timer: NodeJS.Timeout | null = null;
  #sentOffset: number;
  #sending: Promise<void> | null = null;
  #sendAgain = false;
  #ended = false;

  /** @param sentOffset What the shim knows already; -1: it has not been told. */
  constructor(run: OutputRun, token: string, position: number, sentOffset = -1) {
    this.#run = run;
    this.token = token;
    this.position = position;
    this.#sentOffset = sentOffset;
  }

  /** The shim has been told. */
  get begun(): boolean {
    return this.#sentOffset >= 0;
  }

  get attached(): boolean {
    return this.#attached > 0;
  }

  /** How far the position has moved since the shim was told. */
  get untold(): number {
    return this.position - Math.max(0, this.#sentOffset);
  }

  attach(): void {
    this.#attached++;
    this.#timer ??= setInterval(() => this.tell(), renewMs);
  }

  /** From now on the deadline runs. */
  detach(): void {
    if (--this.#attached > 0) return;
    this.#stopRenewing();
    if (!this.#ended) this.tell();
  }

  #stopRenewing(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  advance(offset: number): void {
    if (offset > this.position) this.position = offset;
  }

  /** Tells the shim the position and a new deadline. What fails is tried again with the next renewal. */
  tell(): void {
    this.told().catch(() => {});
  }

  /** As `tell`, and waits until the shim has taken it. Rejects if it did not. */
  told(): Promise<void> {
    if (this.#sending !== null) {
      this.#sendAgain = true;
      return this.#sending;
    }
    this.#sending = this.#send();
    return this.#sending;
  }

  async #send(): Promise<void> {
    try {
      do {
        this.#sendAgain = false;
        const offset = this.position;
        await this.#run.sendHold(offset, this.#leaseMs());
        this.#sentOffset = offset;
      } while (this.#sendAgain);
    } finally {
      // At once: a position told in between would be lost.
      this.#sending = null;
    }
  }

  #leaseMs(): number {
    if (this.#ended) return 0;
    return this.attached ? leaseMs : resumeMs;
  }

  /** From now on the oldest output is dropped as usual. Rejects if the shim cannot be told; it then runs out. */
  async release(): Promise<void> {
    this.end();
    await this.told();
  }

  /** There is nothing to hold any more. */
  end(): void {
    this.#ended = true;
    this.#stopRenewing();
  }
}
