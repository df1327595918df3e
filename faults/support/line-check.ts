/**
 * Checks what `programs/writer.c` wrote: every line's number and hash, and that
 * the last one is there.
 */
export class LineCheck {
  readonly #letter: string;
  #hash: number;
  #number = 0;
  #rest = Buffer.alloc(0);
  #ended = false;
  #bytes = 0;
  #problem = "";

  /** @param letter "o" for standard output, "e" for standard error. */
  constructor(seed: number, letter: "o" | "e") {
    this.#hash = seed | 0;
    this.#letter = letter;
  }

  get bytes(): number {
    return this.#bytes;
  }

  take(data: Uint8Array): void {
    this.#bytes += data.length;
    if (this.#problem !== "") return;
    const all = this.#rest.length === 0 ? Buffer.from(data) : Buffer.concat([this.#rest, data]);
    let from = 0;
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, from)) {
      this.#line(all, from, end);
      from = end + 1;
    }
    this.#rest = Buffer.from(all.subarray(from));
  }

  /** What is wrong, "" for nothing. `whole`: the writer has ended, and all of it must be there. */
  problem(whole = true): string {
    if (this.#problem !== "") return this.#problem;
    if (whole && this.#rest.length > 0) return `${this.#letter}: an unfinished line at the end`;
    if (whole && !this.#ended) return `${this.#letter}: ends after line ${this.#number - 1}`;
    return "";
  }

  #line(all: Buffer, from: number, end: number): void {
    if (this.#problem !== "") return;
    const hashAt = end - 8;
    for (let at = from; at < hashAt; at++) this.#hash = Math.imul(this.#hash ^ (all[at] ?? 0), 16777619);
    const expected = (this.#hash >>> 0).toString(16).padStart(8, "0");
    const start = `${this.#letter} ${this.#number} `;
    if (this.#ended || all.toString("latin1", hashAt, end) !== expected || !startsWith(all, from, start)) {
      this.#problem = `${this.#letter}: line ${this.#number} is "${all.toString("latin1", from, end).slice(0, 60)}"`;
      return;
    }
    if (all.toString("latin1", from + start.length, hashAt) === "END ") this.#ended = true;
    this.#number++;
  }
}

function startsWith(all: Buffer, from: number, text: string): boolean {
  return all.toString("latin1", from, from + text.length) === text;
}
