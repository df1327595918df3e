/** Writes output as `pm logs` shows it. */
import { isUtf8 } from "../../common/escape.ts";
import { formatDuration } from "../../common/quantities.ts";
import type { OutputGap, OutputStream, ProcessInfo } from "../../sdk/index.ts";
import type { Caller } from "../caller.ts";
import type { Paint, Style } from "./color.ts";
import { jsonLine } from "./format.ts";
import { ColorKeeper, LineSplitter, type OutputLine } from "./line-formatter.ts";
import type { LogFrame, LogSource } from "./log-frames.ts";

export interface LogPrinterOptions {
  readonly paint: Paint;
  /** Names in front of lines. */
  readonly prefix: boolean;
  /** Whether lines of several processes are to be told from each other, so that they must be whole. */
  readonly several: boolean;
  readonly stamps: "utc" | "local" | "relative" | undefined;
  /** Which lines are kept. */
  readonly keep: { readonly pattern: RegExp; readonly invert: boolean } | undefined;
  readonly json: boolean;
}

interface Run {
  readonly source: LogSource;
  readonly splitter: LineSplitter;
  readonly colors: ColorKeeper;
  readonly style: Style;
}

const prefixStyles: readonly Style[] = ["cyan", "yellow", "green", "magenta", "blue", "red"];
const shortIdLength = 8;
/** Names longer than this are not worth so many blanks in front of all others. */
const maxPrefixWidth = 24;
/** Bytes that are written at a time, where there are so many. */
const batchBytes = 64 * 1024;

export class LogPrinter {
  readonly #caller: Caller;
  readonly #options: LogPrinterOptions;
  readonly #runs = new Map<string, Run>();
  readonly #styles = new Map<string, Style>();
  /** Whether bytes are written as they come: see {@link copy}. */
  readonly isBytewise: boolean;
  /** For stamps that are relative. */
  #firstTime: Date | undefined;
  #width = 0;

  constructor(caller: Caller, options: LogPrinterOptions) {
    this.#caller = caller;
    this.#options = options;
    const { several, prefix, stamps, keep, json } = options;
    this.isBytewise = !several && !prefix && stamps === undefined && keep === undefined && !json;
  }

  /** Who will be shown: the width of the names is known from the first line on. */
  expect(processes: readonly Pick<ProcessInfo, "id" | "name">[]): void {
    for (const info of processes) {
      this.#makeRoom(labelOf(info));
    }
  }

  /**
   * Writes the bytes as they are, each piece before the next is asked for.
   *
   * @throws BrokenPipe, OutputFailed, PmError
   */
  async copy(output: OutputStream): Promise<void> {
    for await (const data of output.bytes({ onGap: (gap) => this.#noteGap("", gap) })) {
      await this.#caller.writeOutput(data);
    }
  }

  /**
   * @param lastLines of the lines that are kept, only the last of each run; with `caughtUp`, of those before it
   * @throws BrokenPipe, OutputFailed, PmError
   */
  async show(frames: AsyncIterable<LogFrame>, lastLines?: number): Promise<void> {
    let last = lastLines === undefined ? undefined : new LastLines(lastLines);
    const flush = async (): Promise<void> => {
      const lines = last?.taken() ?? [];
      last = undefined;
      await this.#write(lines.map(({ run, line }) => this.#formatted(run, line)));
    };
    for await (const frame of frames) {
      switch (frame.type) {
        case "caughtUp":
          await flush();
          break;
        case "gap": {
          this.#noteGap(this.#options.several ? `${labelOf(frame.source)}: ` : "", frame);
          break;
        }
        case "chunk": {
          const run = this.#runOf(frame.source);
          await this.#take(run, run.splitter.lines(frame), last);
          break;
        }
        case "end": {
          const run = this.#runOf(frame.source);
          await this.#take(run, run.splitter.rest(), last);
          this.#runs.delete(keyOf(frame.source));
          break;
        }
      }
    }
    // A stream that was cut off by --until has no end of its members.
    for (const run of this.#runs.values()) {
      await this.#take(run, run.splitter.rest(), last);
    }
    this.#runs.clear();
    await flush();
  }

  #noteGap(name: string, { from, to }: OutputGap): void {
    this.#caller.note(`pm: ${name}${to - from} bytes of output are no longer kept (offset ${from} to ${to})\n`);
  }

  async #take(run: Run, lines: Iterable<OutputLine>, last: LastLines | undefined): Promise<void> {
    const texts: Uint8Array[] = [];
    let length = 0;
    for (const line of lines) {
      if (!this.#keeps(line)) {
        continue;
      }
      if (last !== undefined) {
        last.add(run, line);
        continue;
      }
      const text = this.#formatted(run, line);
      texts.push(text);
      length += text.length;
      if (length >= batchBytes) {
        await this.#write(texts.splice(0));
        length = 0;
      }
    }
    await this.#write(texts);
  }

  async #write(texts: readonly Uint8Array[]): Promise<void> {
    if (texts.length > 0) {
      await this.#caller.writeOutput(Buffer.concat(texts));
    }
  }

  #keeps({ data }: OutputLine): boolean {
    const { keep } = this.#options;
    return keep === undefined || keep.pattern.test(Buffer.from(data).toString("utf8")) !== keep.invert;
  }

  #formatted({ source, colors, style }: Run, line: OutputLine): Uint8Array {
    if (this.#options.json) {
      return Buffer.from(jsonLine(lineJson(source, line)));
    }
    const { prefix, several, stamps, paint } = this.#options;
    const name = prefix ? `${paint(style, `${labelOf(source).padEnd(this.#width)} |`)} ` : "";
    const stamp = stamps === undefined ? "" : `${this.#stamp(line.time, stamps)} `;
    const isMarked = several || prefix || stamps !== undefined;
    const text = isMarked ? colors.closed(line) : line.data;
    return Buffer.concat([Buffer.from(name + stamp), text, Buffer.from("\n")]);
  }

  #stamp(time: Date, kind: "utc" | "local" | "relative"): string {
    switch (kind) {
      case "utc":
        return time.toISOString();
      case "local":
        return localTime(time);
      case "relative": {
        this.#firstTime ??= time;
        const passed = time.getTime() - this.#firstTime.getTime();
        const text = passed < 60_000 ? `${(passed / 1000).toFixed(3)}s` : formatDuration(passed);
        return `+${text}`.padStart(9);
      }
    }
  }

  #runOf(source: LogSource): Run {
    const key = keyOf(source);
    let run = this.#runs.get(key);
    if (run === undefined) {
      let style = this.#styles.get(source.id);
      if (style === undefined) {
        style = prefixStyles[this.#styles.size % prefixStyles.length] ?? "cyan";
        this.#styles.set(source.id, style);
      }
      run = { source, splitter: new LineSplitter(), colors: new ColorKeeper(), style };
      this.#runs.set(key, run);
      this.#makeRoom(labelOf(source));
    }
    return run;
  }

  #makeRoom(label: string): void {
    if (label.length <= maxPrefixWidth) {
      this.#width = Math.max(this.#width, label.length);
    }
  }
}

/** The last lines of each run, in the order in which they came. */
class LastLines {
  readonly #count: number;
  readonly #lines: { readonly run: Run; readonly line: OutputLine }[] = [];
  readonly #kept = new Map<string, number>();

  constructor(count: number) {
    this.#count = count;
  }

  add(run: Run, line: OutputLine): void {
    const key = run.source.id;
    const kept = this.#kept.get(key) ?? 0;
    this.#lines.push({ run, line });
    this.#kept.set(key, kept + 1);
    if (kept >= this.#count * 2 + 1000) {
      // Now and then, so that it costs little.
      this.#trim();
    }
  }

  taken(): readonly { readonly run: Run; readonly line: OutputLine }[] {
    this.#trim();
    return this.#lines.splice(0);
  }

  #trim(): void {
    const skip = new Map([...this.#kept].map(([key, kept]) => [key, Math.max(0, kept - this.#count)]));
    const rest = this.#lines.filter(({ run }) => {
      const left = skip.get(run.source.id) ?? 0;
      skip.set(run.source.id, left - 1);
      return left <= 0;
    });
    this.#lines.splice(0, this.#lines.length, ...rest);
    for (const [key, kept] of this.#kept) {
      this.#kept.set(key, Math.min(kept, this.#count));
    }
  }
}

function keyOf({ id, run }: LogSource): string {
  return `${id} ${run}`;
}

/** A name, else what a table shows of an id. */
function labelOf({ id, name }: { readonly id: string; readonly name?: string | undefined }): string {
  return name ?? id.slice(0, shortIdLength);
}

/** Bytes that are not UTF-8 are carried as such, so that nothing is changed. */
function lineJson({ id, name, run }: LogSource, { time, stream, offset, data, complete }: OutputLine): object {
  const bytes = Buffer.from(data);
  return {
    time: time.toISOString(),
    process: id,
    ...(name !== undefined && { name }),
    run,
    stream,
    offset,
    ...(isUtf8(data) ? { line: bytes.toString("utf8") } : { base64: bytes.toString("base64") }),
    ...(!complete && { unterminated: true }),
  };
}

/** ISO 8601 with the offset of the zone at that time. */
function localTime(time: Date): string {
  const offset = -time.getTimezoneOffset();
  const two = (value: number): string => String(value).padStart(2, "0");
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${new Date(time.getTime() + offset * 60_000).toISOString().slice(0, -1)}${zone}`;
}
