import { StringDecoder } from "node:string_decoder";
import type { ProcessManager } from "../sdk/manager.ts";
import type { ExitStatus, OutputStart, ProcessInfo } from "../sdk/types.ts";
import { LineInput } from "./line-input.ts";
import { ProgramModes } from "./program-modes.ts";

/** Ctrl-], as in telnet. */
const DETACH = 0x1d;
/** Output before the end that tells in which modes a program's terminal is. Bytes. */
const HISTORY_BYTES = 256 << 10;
/** How long a program may take to draw for a size before it is told the true one. Milliseconds. */
const REDRAW_MS = 100;
/** What is typed beyond this, while the process reads nothing of it, is left out. Bytes. */
const UNREAD_LIMIT = 1 << 20;

/** In character cells. */
interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** The terminal that is attached. */
export interface AttachedTerminal {
  readonly size: TerminalSize;
  /** Resolves when the terminal has taken it. */
  write(data: Uint8Array): Promise<void>;
  /** Tells the user something. */
  notify(text: string): void;
  /** Stops pm as Ctrl-Z does. */
  suspend(): void;
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
  readonly takesInput: boolean;
  readonly #manager: ProcessManager;
  readonly #process: ProcessInfo;
  readonly #terminal: AttachedTerminal;
  readonly #lines: number;
  readonly #isTerminal: boolean;
  readonly #abort = new AbortController();
  readonly #decoder = new StringDecoder("utf8");
  readonly #editor: LineInput;
  #writing: Promise<void> = Promise.resolve();
  /** Bytes that were typed and have not reached the process. */
  #unread = 0;
  #leavesOut = false;
  #drawn: (() => void) | null = null;

  /** `lines`: how much of the earlier output is shown; a program that fills the screen draws it anew instead. */
  constructor(manager: ProcessManager, process: ProcessInfo, terminal: AttachedTerminal, lines: number) {
    this.#manager = manager;
    this.#process = process;
    this.#terminal = terminal;
    this.#lines = lines;
    this.#isTerminal = process.spec.terminal !== undefined;
    this.takesInput = this.#isTerminal || process.spec.stdin === "pipe";
    this.modes = new ProgramModes(this.#isTerminal);
    this.#editor = new LineInput({
      echo: (text) => void terminal.write(Buffer.from(text)),
      line: (text) => this.#send(text),
      end: () => this.#send("", true),
      interrupt: () => this.detach(),
      suspend: () => terminal.suspend(),
    });
  }

  /**
   * Shows the output until the user leaves or the run's output is complete.
   * Rejects with the `PmError` of what went wrong.
   */
  async run(): Promise<AttachmentEnd> {
    const { id, run } = this.#process;
    const { signal } = this.#abort;
    let exit: ExitStatus | undefined;
    try {
      const start = await this.#restoreScreen();
      void this.redraw();
      for await (const frame of this.#manager.stream(id, { run, follow: true, start, signal })) {
        if (frame.type === "chunk") {
          this.modes.feed(frame.data);
          await this.#terminal.write(frame.data);
          this.#drawn?.();
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
      this.#abort.abort();
    }
  }

  /** Leaves the process as it is. */
  detach(): void {
    this.#abort.abort();
  }

  /** What was typed. */
  input(data: Buffer): void {
    const at = data.indexOf(DETACH);
    const typed = at < 0 ? data : data.subarray(0, at);
    if (typed.length > 0 && this.#isTerminal) {
      this.#send(typed);
    } else if (typed.length > 0 && this.takesInput) {
      this.#editor.type(this.#decoder.write(typed));
    } else if (typed.includes(0x03)) {
      this.detach();
    }
    if (at >= 0) {
      this.detach();
    }
  }

  /** The terminal has another size. */
  resized(): void {
    this.#resize(this.#terminal.size).catch(() => undefined);
  }

  /**
   * Has a program draw its screen anew: programs do when the size of their
   * terminal changes, so it is another one for a moment.
   */
  async redraw(): Promise<void> {
    if (!this.#isTerminal) {
      return;
    }
    const { rows, columns } = this.#terminal.size;
    try {
      const drawn = new Promise<void>((resolve) => {
        this.#drawn = resolve;
        setTimeout(resolve, REDRAW_MS).unref();
      });
      await this.#resize({ rows: rows + 1, columns });
      await drawn;
      this.#drawn = null;
      await this.#resize(this.#terminal.size);
    } catch {
      // It has ended, or the connection is gone: the stream tells.
    }
  }

  /** Puts the terminal into the modes that the process has set; resolves with where its output is to begin. */
  async #restoreScreen(): Promise<OutputStart> {
    const lines: OutputStart = { tailLines: this.#lines };
    if (!this.#isTerminal) {
      return lines;
    }
    const { id, run } = this.#process;
    const read = await this.#manager.output(id, {
      run,
      start: { tailBytes: HISTORY_BYTES },
      maxBytes: HISTORY_BYTES,
      signal: this.#abort.signal,
    });
    for (const { data } of read.chunks) {
      this.modes.feed(data);
    }
    await this.#terminal.write(Buffer.from(this.modes.enter));
    return this.modes.alternateScreen ? { offset: read.nextOffset } : lines;
  }

  async #resize(size: TerminalSize): Promise<void> {
    if (this.#isTerminal) {
      await this.#manager.resizeTerminal(this.#process.id, size, { signal: this.#abort.signal });
    }
  }

  /** One after the other, in the order in which it was typed. */
  #send(typed: string | Uint8Array, close = false): void {
    const { signal } = this.#abort;
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
      .then(() => this.#manager.write(this.#process.id, data, { close, signal }))
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
