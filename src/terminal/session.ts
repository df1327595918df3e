import type { ReadStream } from "node:tty";
import type { TerminalOutput } from "./output.ts";
import { enterRawMode, leaveRawMode } from "./raw-mode.ts";

/** What is set on a terminal while a part of pm uses it. */
export interface TerminalModes {
  /** Sequences that set it; asked for each time the terminal is taken. */
  readonly enter: string;
  /** Sequences that take it back; asked for each time the terminal is given back. */
  readonly leave: string;
  /** Whether what is written must arrive as it is, newlines included. */
  readonly verbatim: boolean;
}

/** Nothing but raw input. */
export const PLAIN_MODES: TerminalModes = { enter: "", leave: "", verbatim: false };

/**
 * Signals that end a process and can be caught (signal(7)); SIGPIPE is ignored by Node.js. Not SIGSEGV: whoever catches
 * a true one meets it again for ever (`process`, "Signal events", in the Node.js manual).
 */
export const FATAL_SIGNALS = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGILL",
  "SIGTRAP",
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGTERM",
  "SIGSTKFLT",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGPROF",
  "SIGIO",
  "SIGPWR",
  "SIGSYS",
] as const satisfies readonly NodeJS.Signals[];

export interface SessionEvents {
  /** The terminal is ours (again) and shows nothing of ours: draw everything. */
  readonly onEnter: () => void;
  /** The terminal is about to be given back: the last moment to write to it. */
  readonly onLeave?: () => void;
  readonly onInput: (data: Buffer) => void;
  readonly onResize: () => void;
  /** The terminal hung up. */
  readonly onHangup: () => void;
}

/**
 * The terminal while pm has it, in raw mode and with the modes that are asked
 * for. Whatever way the program ends (return, exit, exception, any signal that
 * can be caught) it is given back as it was.
 */
export class TerminalSession {
  readonly #input: ReadStream;
  readonly #output: TerminalOutput;
  readonly #events: SessionEvents;
  readonly #cleanup: (() => void)[] = [];
  readonly #onStop = (): void => this.suspend();
  #modes: TerminalModes;
  #entered = false;
  #closed = false;

  constructor(input: ReadStream, output: TerminalOutput, events: SessionEvents, modes: TerminalModes) {
    this.#input = input;
    this.#output = output;
    this.#events = events;
    this.#modes = modes;
  }

  open(): void {
    this.#listen(this.#input, "data", (data: Buffer) => this.#events.onInput(data));
    this.#listen(this.#input, "end", () => this.#events.onHangup());
    this.#listen(this.#input, "error", () => this.#events.onHangup());
    this.#listen(process.stdout, "resize", () => this.#events.onResize());
    this.#listen(process, "exit", () => this.#leave());
    for (const signal of FATAL_SIGNALS) {
      this.#listen(process, signal, () => {
        this.close();
        // With its handler gone the signal does what it does, and the parent sees the true cause.
        process.kill(process.pid, signal);
      });
    }
    this.#listen(process, "SIGTSTP", this.#onStop);
    this.#listen(process, "SIGCONT", () => {
      if (!this.#closed) {
        this.#leave();
        this.#enter();
      }
    });
    this.#enter();
  }

  /**
   * Does what Ctrl-Z does (termios(3), VSUSP): gives the terminal back and stops
   * this process and its group until SIGCONT (the shell's `fg`). Where no shell
   * could continue them, in an orphaned process group, the kernel discards the
   * signal: the terminal is taken again at once.
   */
  suspend(): void {
    if (this.#closed) {
      return;
    }
    this.#leave();
    process.off("SIGTSTP", this.#onStop);
    process.kill(0, "SIGTSTP");
    process.on("SIGTSTP", this.#onStop);
    // If it was stopped, SIGCONT is told first: signals are looked at between the two.
    setImmediate(() => setImmediate(() => this.#resume()));
  }

  /** Has the terminal in other modes while `use` is under way. Events come as before. */
  async lend(modes: TerminalModes, use: () => Promise<void>): Promise<void> {
    const own = this.#modes;
    this.#change(modes);
    try {
      await use();
    } finally {
      this.#change(own);
    }
  }

  /** Gives the terminal back for good. */
  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#leave();
    for (const undo of this.#cleanup.splice(0)) {
      undo();
    }
    this.#input.pause();
    this.#output.close();
  }

  #resume(): void {
    if (!this.#closed && !this.#entered) {
      this.#enter();
    }
  }

  #change(modes: TerminalModes): void {
    if (this.#closed) {
      return;
    }
    this.#leave();
    this.#modes = modes;
    this.#enter();
  }

  #enter(): void {
    this.#entered = true;
    try {
      enterRawMode(this.#input, this.#modes.verbatim);
    } catch {
      this.#events.onHangup();
      return;
    }
    this.#input.resume();
    // Node.js learns of a new size by this signal, which a stopped process group does not get.
    process.emit("SIGWINCH", "SIGWINCH");
    this.#output.writeNow(this.#modes.enter);
    this.#events.onEnter();
  }

  #leave(): void {
    if (!this.#entered) {
      return;
    }
    this.#entered = false;
    this.#events.onLeave?.();
    this.#output.writeNow(this.#modes.leave);
    leaveRawMode(this.#input);
  }

  // biome-ignore lint/suspicious/noExplicitAny: listeners of four emitters with one signature each
  #listen(emitter: NodeJS.EventEmitter, event: string, listener: (...values: any[]) => void): void {
    emitter.on(event, listener);
    this.#cleanup.push(() => emitter.off(event, listener));
  }
}
