import type { OutputChunk, OutputStreamName } from "../../sdk/index.ts";

/**
 * A line longer than this many bytes is written in parts, so that memory stays bounded: more than the output that any
 * process keeps by default, so that this happens only where somebody asked for very much.
 */
const maxLineBytes = 64 * 1024 * 1024;

const newline = 0x0a;
const escapeByte = 0x1b;

/** One line of output, without its newline. */
export interface OutputLine {
  readonly stream: OutputStreamName;
  /** Of its first byte. */
  readonly offset: number;
  readonly time: Date;
  readonly data: Uint8Array;
  /** Whether it ended with a newline. */
  readonly complete: boolean;
}

interface PartialLine {
  readonly time: Date;
  readonly offset: number;
  readonly parts: Uint8Array[];
  length: number;
}

/**
 * Puts the lines of one run together. Those of stdout and stderr are put together apart, so that one cannot break into
 * the other.
 */
export class LineSplitter {
  readonly #partial = new Map<OutputStreamName, PartialLine>();

  /** The lines that this chunk completes. */
  *lines({ stream, offset, time, data }: OutputChunk): Generator<OutputLine, void, void> {
    let begin = 0;
    while (begin < data.length) {
      const partial = this.#partial.get(stream) ?? { time, offset: offset + begin, parts: [], length: 0 };
      const found = data.indexOf(newline, begin);
      const end = Math.min(found < 0 ? data.length : found, begin + maxLineBytes - partial.length);
      partial.parts.push(data.subarray(begin, end));
      partial.length += end - begin;
      if (end === found || partial.length >= maxLineBytes) {
        this.#partial.delete(stream);
        yield lineOf(stream, partial, end === found);
      } else {
        this.#partial.set(stream, partial);
      }
      begin = end === found ? end + 1 : end;
    }
  }

  /** What is left at the end, as lines. */
  *rest(): Generator<OutputLine, void, void> {
    const partials = [...this.#partial];
    this.#partial.clear();
    for (const [stream, partial] of partials) {
      yield lineOf(stream, partial, false);
    }
  }
}

function lineOf(stream: OutputStreamName, { time, offset, parts }: PartialLine, complete: boolean): OutputLine {
  const [first = Buffer.of()] = parts;
  return { stream, offset, time, data: parts.length === 1 ? first : Buffer.concat(parts), complete };
}

/** More than any program sets at a time; what comes later counts. */
const maxColors = 16;

/**
 * Closes the colors of a line at its end, and opens them again in the next one of the same run: what stands in front of
 * somebody else's line must not get them.
 */
export class ColorKeeper {
  readonly #open = new Map<OutputStreamName, readonly string[]>();

  closed({ stream, data }: OutputLine): Uint8Array {
    const before = this.#open.get(stream) ?? [];
    if (before.length === 0 && !data.includes(escapeByte)) {
      return data;
    }
    const after = colorsAfter(before, Buffer.from(data).toString("latin1"));
    this.#open.set(stream, after);
    return Buffer.concat([
      Buffer.from(before.join("")),
      data,
      Buffer.from(before.length > 0 || after.length > 0 ? "\x1b[0m" : ""),
    ]);
  }
}

/** Which "select graphic rendition" sequences (ECMA-48, 8.3.117) hold at the end of a text. */
function colorsAfter(before: readonly string[], text: string): readonly string[] {
  let open = [...before];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a sequence begins with
  for (const [sequence, parameters = ""] of text.matchAll(/\x1b\[([\d;:]*)m/g)) {
    if (parameters === "" || /^0+$/.test(parameters)) {
      open = [];
    } else {
      if (/^0*;/.test(parameters)) {
        open = [];
      }
      open.push(sequence);
    }
  }
  return open.slice(-maxColors);
}
