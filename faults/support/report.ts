/** What a part of the campaign found. */
export class Report {
  readonly part: string;
  readonly #counts = new Map<string, number>();
  readonly #most = new Map<string, number>();
  readonly #failures: string[] = [];
  readonly #skipped: string[] = [];
  readonly #say: (line: string) => void;
  readonly #begun = performance.now();
  #rounds = 0;
  #kills = 0;
  #bytesCompared = 0;
  #seconds: number | null = null;

  constructor(part: string, say: (line: string) => void) {
    this.part = part;
    this.#say = say;
  }

  /** Counts what was done, for the figures. */
  count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  /** The part went once more through what it does. */
  round(times = 1): void {
    this.#rounds += times;
  }

  /** A part of pm was killed. */
  killed(what: "daemon" | "zygote" | "shim"): void {
    this.#kills++;
    this.count(`kills of the ${what}`);
  }

  /** Output was compared with what was written, byte for byte. */
  compared(what: string, bytes: number): void {
    this.#bytesCompared += bytes;
    this.count(`MB ${what}`, bytes / 1e6);
  }

  /** The part is over. */
  end(): void {
    this.#seconds ??= (performance.now() - this.#begun) / 1000;
  }

  /** Keeps the largest of a measured value. */
  most(what: string, value: number): void {
    this.#most.set(what, Math.max(this.#most.get(what) ?? 0, value));
  }

  fail(text: string): void {
    this.#failures.push(text);
    this.#say(`${this.part}: FAULT ${text}`);
  }

  /** Fails unless both are the same as JSON. */
  same(what: string, actual: unknown, expected: unknown): boolean {
    const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (found === wanted) return true;
    this.fail(`${what}: ${found}, not ${wanted}`);
    return false;
  }

  /** Says that something cannot be tried here, and why. */
  skip(what: string): void {
    this.#skipped.push(what);
    this.#say(`${this.part}: skipped: ${what}`);
  }

  progress(text: string): void {
    this.#say(`${this.part}: ${text}`);
  }

  get rounds(): number {
    return this.#rounds;
  }

  get kills(): number {
    return this.#kills;
  }

  get bytesCompared(): number {
    return this.#bytesCompared;
  }

  /** How long it took. */
  get seconds(): number {
    return this.#seconds ?? (performance.now() - this.#begun) / 1000;
  }

  get failures(): readonly string[] {
    return this.#failures;
  }

  get skipped(): readonly string[] {
    return this.#skipped;
  }

  /** "200 kills of the daemon; start of the daemon at most 812" */
  get figures(): string {
    const counts = [...this.#counts].map(([what, times]) => `${Math.round(times)} ${what}`);
    const most = [...this.#most].map(([what, value]) => `${what} at most ${Math.round(value)}`);
    return [...counts, ...most].join("; ");
  }
}
