import type { ReadStream } from "node:tty";
import type { TerminalOutput } from "./output.ts";

/** What is set on a terminal, and what takes it back. */
export interface TerminalModes {
  readonly enter: string;
  readonly leave: string;
}

const MOUSE_ON = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF = "\x1b[?1006l\x1b[?1000l";

/** The alternate screen without automatic wrap and cursor, with bracketed paste. */
export function screenModes(mouse: boolean): TerminalModes {
  return {
    enter: `\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[?2004h${mouse ? MOUSE_ON : ""}\x1b[0m\x1b[2J\x1b[H`,
    // CAN (0x18) first: it ends a sequence that an interrupted write left half sent.
    leave: `\x18\x1b[?2026l${mouse ? MOUSE_OFF : ""}\x1b[?2004l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l`,
  };
}

/** Nothing but raw input. */
export const PLAIN_MODES: TerminalModes = { enter: "", leave: "" };

/** Signals that end a process and can be caught (signal(7)); SIGPIPE is ignored by Node.js. */
export const FATAL_SIGNALS = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGILL",
  "SIGTRAP",
  "SIGABRT",
  "SIGBUS",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGTERM",
  "SIGSTKFLT",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGIO",
  "SIGPWR",
  "SIGSYS",
] as const satisfies readonly NodeJS.Signals[];

export interface SessionEvents {
  /** The terminal is ours (again) and empty: draw everything. */
  readonly onEnter: () => void;
  readonly onInput: (text: string) => void;
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
  readonly #modes: TerminalModes;
  readonly #cleanup: (() => void)[] = [];
  #entered = false;
  #closed = false;

  constructor(input: ReadStream, output: TerminalOutput, events: SessionEvents, modes: TerminalModes) {
    this.#input = input;
    this.#output = output;
    this.#events = events;
    this.#modes = modes;
  }

  open(): void {
    this.#input.setEncoding("utf8");
    this.#listen(this.#input, "data", (text: string) => this.#events.onInput(text));
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
    this.#listen(process, "SIGTSTP", () => this.suspend());
    this.#listen(process, "SIGCONT", () => {
      if (!this.#closed) {
        this.#leave();
        this.#enter();
      }
    });
    this.#enter();
  }

  /** Gives the terminal back and stops this process until SIGCONT (the shell's `fg`). */
  suspend(): void {
    this.#leave();
    process.kill(process.pid, "SIGSTOP");
  }

  /** Lends the terminal to `use`, which may do with it what it likes, and takes it back. */
  async lend(use: () => Promise<void>): Promise<void> {
    this.#leave();
    this.#input.pause();
    try {
      await use();
    } finally {
      if (!this.#closed) {
        this.#enter();
      }
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

  #enter(): void {
    this.#entered = true;
    try {
      this.#input.setRawMode(true);
    } catch {
      this.#events.onHangup();
      return;
    }
    this.#input.resume();
    this.#output.writeNow(this.#modes.enter);
    this.#events.onEnter();
  }

  #leave(): void {
    if (!this.#entered) {
      return;
    }
    this.#entered = false;
    this.#output.writeNow(this.#modes.leave);
    try {
      this.#input.setRawMode(false);
    } catch {
      // The terminal is gone: nothing to give back.
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: listeners of four emitters with one signature each
  #listen(emitter: NodeJS.EventEmitter, event: string, listener: (...values: any[]) => void): void {
    emitter.on(event, listener);
    this.#cleanup.push(() => emitter.off(event, listener));
  }
}
