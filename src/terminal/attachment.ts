import { StringDecoder } from "node:string_decoder";
import type { ProcessManager } from "../sdk/manager.ts";
import type { ExitStatus, OutputStart, Precondition, ProcessInfo } from "../sdk/types.ts";
import type { AttachedTerminal } from "./attached-terminal.ts";
import { DetachKey } from "./detach-key.ts";
import { InputWriter } from "./input-writer.ts";
import { LineInput } from "./line-input.ts";
import { ProgramModes } from "./program-modes.ts";
import { ProgramSize } from "./program-size.ts";
import { lastLines, TAIL_LINES } from "./tail.ts";

/** Output before the end that tells in which modes a program's terminal is. Bytes. */
const HISTORY_BYTES = 256 << 10;
/** What is typed beyond this, while the process reads nothing of it, is left out. Bytes. */
const UNREAD_LIMIT = 1 << 20;
/** How soon the rest of a key follows its beginning. Milliseconds. */
const KEY_MS = 50;
/** How long whoever leaves waits for what was typed to reach the process. Milliseconds. */
const LEAVE_MS = 1000;

export interface AttachmentOptions {
  /** What to call the process; must be safe to print. */
  readonly name: string;
  /** What Ctrl-] does, as the user is told first: "returns". */
  readonly leaving: string;
  /**
   * How much of the earlier output is shown; a program that fills the screen draws it anew instead. Lines.
   *
   * @default 20
   */
  readonly lines?: number | undefined;
}

/** How it ended: the user left, or the run's output is complete. `exit` is missing if it is not known. */
export type AttachmentEnd =
  | { readonly reason: "detached" }
  | { readonly reason: "ended"; readonly exit: ExitStatus | undefined };

/**
 * Joins a terminal to a process: the process's output goes to the terminal as
 * it is, what is typed goes to its input. A process with a terminal of its own
 * gets every key, and the terminal is put into the modes that the process has
 * set; one with a pipe gets whole lines, which are echoed and can be corrected.
 * Ctrl-] leaves. The process does not notice, whatever happens here.
 *
 * The owner has the terminal in raw mode, in {@link modes}, and passes on what
 * happens to it.
 */
export class Attachment {
  readonly modes: ProgramModes;
  /** Whether anything typed can reach the process. */
  readonly #takesInput: boolean;
  readonly #manager: ProcessManager;
  readonly #process: ProcessInfo;
  readonly #terminal: AttachedTerminal;
  readonly #options: AttachmentOptions;
  readonly #isTerminal: boolean;
  /** Ends what comes from the process: the user leaves. */
  readonly #abort = new AbortController();
  /** Ends what goes to the process; later, as what was typed before is on its way. */
  readonly #requests = new AbortController();
  readonly #key = new DetachKey();
  readonly #decoder = new StringDecoder("utf8");
  readonly #editor: LineInput;
  readonly #input: InputWriter;
  readonly #size: ProgramSize | null;
  #keyTimer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** Bytes that were typed and have not reached the process. */
  #unread = 0;
  #leavesOut = false;

  constructor(manager: ProcessManager, process: ProcessInfo, terminal: AttachedTerminal, options: AttachmentOptions) {
    this.#manager = manager;
    this.#process = process;
    this.#terminal = terminal;
    this.#options = options;
    this.#isTerminal = process.spec.terminal !== undefined;
    this.#takesInput = this.#isTerminal || process.spec.stdin === "pipe";
    this.modes = new ProgramModes(this.#isTerminal);
    this.#editor = new LineInput({
      echo: (text) => void terminal.write(Buffer.from(text)),
      line: (text) => this.#send(text),
      end: () => this.#send("", true),
      interrupt: () => this.detach(),
      suspend: () => terminal.suspend(),
    });
    const { signal } = this.#requests;
    this.#input = new InputWriter(manager, process.id, { ...this.#sameRun, signal });
    this.#size = this.#isTerminal
      ? new ProgramSize(
          () => terminal.size,
          (size) => manager.processes.resizeTerminal(process.id, size, { ...this.#sameRun, signal }),
        )
      : null;
  }

  /**
   * Shows the output until the user leaves or the run's output is complete.
   * Rejects with the `PmError` of what went wrong.
   */
  async run(): Promise<AttachmentEnd> {
    const { id } = this.#process;
    const { signal } = this.#abort;
    const { name, leaving } = this.#options;
    let exit: ExitStatus | undefined;
    try {
      this.#terminal.notify(`${this.#takesInput ? "attached to" : "watching"} ${name}; Ctrl-] ${leaving}`);
      const start = await this.#restoreScreen();
      this.redraw();
      for await (const frame of this.#manager.processes.stream(id, { ...this.#run, follow: true, start, signal })) {
        if (frame.type === "chunk") {
          this.modes.feed(frame.data);
          await this.#terminal.write(frame.data);
          this.#size?.drawn();
        } else if (frame.type === "gap") {
          this.#terminal.notify(`${frame.to - frame.from} bytes of output are no longer kept`);
        } else if (frame.type === "end") {
          exit = frame.exit;
        }
      }
      return signal.aborted ? { reason: "detached" } : { reason: "ended", exit };
    } catch (error) {
      if (signal.aborted) {
        return { reason: "detached" };
      }
      throw error;
    } finally {
      clearTimeout(this.#keyTimer);
      await this.#finish(signal.aborted);
    }
  }

  /** Leaves the process as it is. */
  detach(): void {
    this.#abort.abort();
  }

  /** The run that was current when it began. */
  get #run(): { readonly run?: number } {
    const { run } = this.#process;
    return run === undefined ? {} : { run: run.number };
  }

  /** What is typed for one run must not reach another. */
  get #sameRun(): { readonly precondition?: Precondition } {
    const { run } = this.#process;
    return run === undefined ? {} : { precondition: { run: run.number } };
  }

  /** What was typed. */
  input(data: Buffer): void {
    if (this.#abort.signal.aborted) {
      return;
    }
    clearTimeout(this.#keyTimer);
    const { data: typed, pressed } = this.#key.push(data);
    this.#type(typed);
    if (pressed) {
      this.detach();
    } else if (this.#key.incomplete) {
      this.#keyTimer = setTimeout(() => this.#type(this.#key.flush()), KEY_MS);
    }
  }

  /** The terminal has another size. */
  resized(): void {
    this.#size?.resized();
  }

  /** Has a program draw its screen anew. */
  redraw(): void {
    this.#size?.redraw();
  }

  /** What was typed, without the key that leaves. */
  #type(typed: Buffer): void {
    if (typed.length === 0) {
      return;
    }
    if (this.#isTerminal) {
      this.#send(typed);
    } else if (this.#takesInput) {
      this.#editor.type(this.#decoder.write(typed));
    } else if (typed.includes(0x03)) {
      this.detach();
    }
  }

  /** Puts the terminal into the modes that the process has set; resolves with where its output is to begin. */
  async #restoreScreen(): Promise<OutputStart> {
    const { lines = TAIL_LINES } = this.#options;
    if (!this.#isTerminal) {
      return { tailLines: lines };
    }
    const { id } = this.#process;
    const { chunks, nextOffset } = await this.#manager.processes.output(id, {
      ...this.#run,
      start: { tailBytes: HISTORY_BYTES },
      maxBytes: HISTORY_BYTES,
      signal: this.#abort.signal,
    });
    const history = Buffer.concat(chunks.map(({ data }) => data));
    const now = new ProgramModes(true);
    now.feed(history);
    const begin = now.alternateScreen ? history.length : lastLines(history, lines);
    if (begin === undefined) {
      return { tailLines: lines };
    }
    // Not what is about to be shown: that sets its modes itself, and must not be counted twice.
    this.modes.feed(history.subarray(0, begin));
    await this.#terminal.write(Buffer.from(this.modes.enter));
    return { offset: nextOffset - history.length + begin };
  }

  /** If the user has `left`, the process gets what was typed before that, and its true size. */
  async #finish(left: boolean): Promise<void> {
    this.#abort.abort();
    const pending = Promise.all([this.#writing, this.#size?.finish()]);
    if (left) {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, LEAVE_MS);
      await Promise.race([pending, late.promise]);
      clearTimeout(timer);
    }
    this.#requests.abort();
  }

  /** One after the other, in the order in which it was typed. */
  #send(typed: string | Uint8Array, close = false): void {
    const { signal } = this.#requests;
    const data = Buffer.from(typed);
    if (this.#unread + data.length > UNREAD_LIMIT) {
      if (!this.#leavesOut) {
        this.#leavesOut = true;
        this.#terminal.notify("The process does not read what is typed: the rest is left out");
      }
      return;
    }
    this.#leavesOut = false;
    this.#unread += data.length;
    this.#writing = this.#writing
      .then(async () => {
        await this.#input.write(data, { close });
      })
      .catch((error: unknown) => {
        if (!signal.aborted) {
          this.#terminal.notify(error instanceof Error ? error.message : String(error));
        }
      })
      .finally(() => {
        this.#unread -= data.length;
      });
  }
}
