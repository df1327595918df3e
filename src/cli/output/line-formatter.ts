import type { OutputChunk, OutputStreamName } from "../../sdk/index.ts";

/** A line longer than this many bytes is cut into several, so that memory stays bounded. */
const maxLineBytes = 64 * 1024;

const newline = 0x0a;

export interface LineFormat {
  /** Before each line. @default "" */
  readonly prefix?: string;
  /** Whether each line begins with the time of its first byte. @default false */
  readonly timestamps?: boolean;
}

interface PartialLine {
  readonly time: Date;
  readonly parts: Uint8Array[];
  length: number;
}

/**
 * Puts something before each line. Lines of stdout and stderr are put together
 * apart, so that one cannot break into the other.
 */
export class LineFormatter {
  readonly #format: LineFormat;
  readonly #partial = new Map<OutputStreamName, PartialLine>();

  constructor(format: LineFormat) {
    this.#format = format;
  }

  /** The lines that this chunk completes; empty if it completes none. */
  lines({ stream, time, data }: OutputChunk): Uint8Array {
    const out: Uint8Array[] = [];
    let begin = 0;
    while (begin < data.length) {
      const partial = this.#partial.get(stream) ?? { time, parts: [], length: 0 };
      const found = data.indexOf(newline, begin);
      const end = Math.min(found < 0 ? data.length : found, begin + maxLineBytes - partial.length);
      partial.parts.push(data.subarray(begin, end));
      partial.length += end - begin;
      if (end === found || partial.length >= maxLineBytes) {
        this.#write(out, partial);
        this.#partial.delete(stream);
      } else {
        this.#partial.set(stream, partial);
      }
      begin = end === found ? end + 1 : end;
    }
    return Buffer.concat(out);
  }

  /** What is left at the end, as lines. */
  rest(): Uint8Array {
    const out: Uint8Array[] = [];
    for (const partial of this.#partial.values()) {
      this.#write(out, partial);
    }
    this.#partial.clear();
    return Buffer.concat(out);
  }

  #write(out: Uint8Array[], { time, parts }: PartialLine): void {
    const { prefix = "", timestamps = false } = this.#format;
    out.push(Buffer.from(`${prefix}${timestamps ? `${time.toISOString()} ` : ""}`), ...parts, Buffer.of(newline));
  }
}
