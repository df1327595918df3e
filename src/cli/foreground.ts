/** A process in the foreground: its output, its signals, its end. */
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { isatty } from "node:tty";
import { PmError, type Process, type ProcessInfo } from "../sdk/index.ts";
import { ProgramModes } from "../terminal/program-modes.ts";
import { enterRawMode, leaveRawMode } from "../terminal/raw-mode.ts";
import { formatError } from "./errors.ts";
import { exitCodeOfProcess } from "./exit-status.ts";
import { BrokenPipe, note, print, writeOutput } from "./output/sink.ts";

export interface ForegroundOptions {
  /** Pass standard input on. */
  readonly forwardInput: boolean;
  /** The process has a terminal: pass keys and window sizes on. */
  readonly terminal: boolean;
  /** Remove the process when it has ended. */
  readonly remove: boolean;
}

/** Signals that ask for an end: the first is passed on, the second kills. */
const endingSignals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
/** Signals that are passed on, each time. */
const otherSignals = ["SIGUSR1", "SIGUSR2", "SIGCONT"] as const;

/** Milliseconds that output may come after the end of the main process while children of it live. */
const lingerMs = 250;

/** Takes the signals of pm from its construction on, so that none is lost while the process starts. */
export class Foreground {
  readonly #options: ForegroundOptions;
  readonly #early: NodeJS.Signals[] = [];
  /** What the process has changed on the terminal that standard output is; undefined if it is none. */
  readonly #modes: ProgramModes | undefined;
  #process: Process | undefined;
  #asked = 0;

  constructor(options: ForegroundOptions) {
    this.#options = options;
    this.#modes = options.terminal && isatty(1) ? new ProgramModes(true) : undefined;
    for (const signal of [...endingSignals, ...otherSignals, "SIGTSTP"] as const) {
      process.on(signal, () => {
        if (this.#process === undefined) {
          this.#early.push(signal);
        } else {
          this.#take(signal, this.#process);
        }
      });
    }
  }

  /** Resolves with the exit code once the main process has ended and its output is written. */
  async follow(target: Process): Promise<number> {
    this.#process = target;
    for (const signal of this.#early.splice(0)) {
      this.#take(signal, target);
    }
    const restoreTerminal = this.#options.terminal ? this.#passTerminal(target) : undefined;
    if (this.#options.forwardInput) {
      this.#passInput(target).catch(report);
    }
    try {
      const ended = await this.#passOutput(target);
      if (ended.treeAlive) {
        note(`pm: children of it live on: 'pm stop ${target.id}' ends them\n`);
      } else if (this.#options.remove) {
        await target.remove();
      }
      return exitCodeOfProcess(ended);
    } catch (error) {
      if (error instanceof BrokenPipe) {
        // In a shell's pipeline SIGPIPE would end it now.
        await target.stop({ force: true });
        if (this.#options.remove) {
          await target.remove();
        }
      }
      throw error;
    } finally {
      restoreTerminal?.();
    }
  }

  /**
   * Writes output until it is complete. If the main process has ended and its
   * children hold the output open, it is enough to have what came before.
   */
  async #passOutput(target: Process): Promise<ProcessInfo> {
    const enough = new AbortController();
    let position = 0;
    let lastOffset = Number.POSITIVE_INFINITY;
    const complete = new AbortController();
    const exited = target.wait().then(async (info) => {
      if (info.output.complete) {
        return info;
      }
      // What it wrote last is still on its way, and its children may be about to end as well.
      await sleep(lingerMs, undefined, { signal: complete.signal }).catch(() => {});
      const now = await target.get();
      if (now.treeAlive && now.run === info.run) {
        lastOffset = now.output.nextOffset;
        if (position >= lastOffset) {
          enough.abort();
        }
      }
      return now.run === info.run ? now : info;
    });
    // Should the stream fail first, its error is the one to tell.
    exited.catch(() => {});
    try {
      for await (const frame of target.stream({ follow: true, run: target.info.run, signal: enough.signal })) {
        switch (frame.type) {
          case "chunk":
            this.#modes?.feed(frame.data);
            await writeOutput(frame.data);
            position = frame.offset + frame.data.length;
            break;
          case "gap":
            note(`pm: ${frame.to - frame.from} bytes of output were lost: standard output is too slow\n`);
            position = frame.to;
            break;
          case "heartbeat":
            position = frame.nextOffset;
            break;
        }
        if (position >= lastOffset) {
          break;
        }
      }
    } catch (error) {
      if (!enough.signal.aborted || !(error instanceof PmError) || error.reason !== "ABORTED") {
        throw error;
      }
    }
    complete.abort();
    return exited;
  }

  #take(signal: NodeJS.Signals, target: Process): void {
    if ((endingSignals as readonly string[]).includes(signal)) {
      this.#end(signal, target);
    } else if (signal === "SIGTSTP") {
      // Ctrl-Z stops both; SIGCONT is passed on when the shell sends it.
      target
        .signal("SIGSTOP")
        .catch(report)
        .finally(() => process.kill(process.pid, "SIGSTOP"));
    } else {
      target.signal(signal).catch(report);
    }
  }

  #end(signal: NodeJS.Signals, target: Process): void {
    this.#asked++;
    if (this.#asked === 1) {
      note(`pm: sent ${signal} to the process; once more kills it\n`);
      target.signal(signal).catch(report);
    } else if (this.#asked === 2) {
      note("pm: killing the process and all that it started\n");
      target.stop({ force: true, graceMs: 0 }).catch(report);
    } else {
      // The daemon does not answer: leave.
      process.exit(128 + constants.signals[signal]);
    }
  }

  async #passInput(target: Process): Promise<void> {
    for await (const chunk of process.stdin) {
      await target.write(chunk);
    }
    await target.write("", { close: true });
  }

  /** @returns what gives the terminal back */
  #passTerminal(target: Process): () => void {
    const { stdin, stdout } = process;
    process.on("SIGWINCH", () => {
      target.resizeTerminal({ rows: stdout.rows, columns: stdout.columns }).catch(report);
    });
    if (!stdin.isTTY) {
      return () => {};
    }
    enterRawMode(stdin, this.#modes !== undefined);
    const restore = (): void => {
      process.off("exit", restore);
      try {
        print(this.#modes?.leave ?? "");
      } catch {
        // The terminal is gone, and what was set on it.
      }
      leaveRawMode(stdin);
    };
    process.once("exit", restore);
    return restore;
  }
}

/** What fails because the process has just ended is no news: its end is reported anyway. */
function report(error: unknown): void {
  if (error instanceof PmError && ["NOT_RUNNING", "INPUT_CLOSED", "PROCESS_NOT_FOUND"].includes(error.reason)) {
    return;
  }
  note(formatError(error, false));
}
