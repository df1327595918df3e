/** A process in the foreground: its output, its signals, its end. */
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode } from "../common/exit-codes.ts";
import { PmError, type Process, type WaitResult } from "../sdk/index.ts";
import { ProgramModes } from "../terminal/program-modes.ts";
import { enterRawMode, leaveRawMode } from "../terminal/raw-mode.ts";
import { BrokenPipe, type Caller } from "./caller.ts";
import { formatError } from "./errors.ts";
import { exitCodeOfRun } from "./exit-status.ts";
import { followHeld } from "./held-output.ts";
import { ProcessInput } from "./input.ts";

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
/** Bytes that the pipes between a process and its shim can hold: two, of the most that pipe(7) lets an owner set. */
const pipesMost = 2 * 1024 * 1024;

/** Takes the signals of pm from its construction on, so that none is lost while the process starts. */
export class Foreground {
  readonly #caller: Caller;
  readonly #own: NodeJS.Process;
  readonly #options: ForegroundOptions;
  readonly #early: NodeJS.Signals[] = [];
  /** What the process has changed on the terminal that standard output is; undefined if it is none. */
  readonly #modes: ProgramModes | undefined;
  #process: Process | undefined;
  #asked = 0;
  /** Bytes of output that were dropped before they came here. */
  #missing = 0;

  constructor(caller: Caller, options: ForegroundOptions) {
    this.#caller = caller;
    this.#own = caller.ownProcess();
    this.#options = options;
    this.#modes = options.terminal && caller.terminal.stdout ? new ProgramModes(true) : undefined;
    for (const signal of [...endingSignals, ...otherSignals, "SIGTSTP"] as const) {
      this.#own.on(signal, () => {
        if (this.#process === undefined) {
          this.#early.push(signal);
        } else {
          this.#take(signal, this.#process);
        }
      });
    }
  }

  /**
   * Resolves with the exit code once the main process has ended and its output is written. If some of that was dropped,
   * it is pm that failed, however the process ended.
   */
  async follow(target: Process): Promise<number> {
    this.#process = target;
    for (const signal of this.#early.splice(0)) {
      this.#take(signal, target);
    }
    const restoreTerminal = this.#options.terminal ? this.#passTerminal(target) : undefined;
    if (this.#options.forwardInput) {
      this.#passInput(target).catch(this.#report);
    }
    try {
      const ended = await this.#passOutput(target);
      if (ended.run?.treeAlive) {
        this.#caller.note(`pm: children of it are still running: 'pm stop ${target.id}' ends them\n`);
      } else if (this.#options.remove) {
        await target.remove();
      }
      const exitCode = exitCodeOfRun(this.#caller, ended.process, ended.run);
      if (this.#missing > 0) {
        this.#caller.note(`pm: the output is not complete: ${this.#missing} bytes were dropped by the output limit\n`);
        return ExitCode.runFailed;
      }
      return exitCode;
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
  async #passOutput(target: Process): Promise<WaitResult> {
    const enough = new AbortController();
    const written = new Position();
    const over = new AbortController();
    const exited = target.wait().then((ended) => this.#afterExit(target, ended, written, enough, over.signal));
    // Should the stream fail first, its error is the one to tell.
    exited.catch(() => {});
    try {
      const options = { run: target.info.run?.number ?? 1, signal: enough.signal };
      const frames = followHeld((held) => target.stream(held), target.info, options);
      for await (const frame of frames) {
        switch (frame.type) {
          case "chunk":
            this.#modes?.feed(frame.data);
            await this.#caller.writeOutput(frame.data);
            written.reach(frame.offset + frame.data.length);
            break;
          case "gap":
            this.#caller.note(`pm: ${frame.to - frame.from} bytes of output are missing here\n`);
            this.#missing += frame.to - frame.from;
            written.reach(frame.to);
            break;
          case "heartbeat":
            written.reach(frame.nextOffset);
            break;
        }
      }
    } catch (error) {
      if (!enough.signal.aborted || !(error instanceof PmError) || error.reason !== "ABORTED") {
        throw error;
      }
    } finally {
      over.abort();
    }
    return exited;
  }

  /**
   * The main process has ended. If its children live, aborts `enough` once
   * everything is written that it can have written: a slow reader may have left
   * a part in the pipes, and behind that may be what its children write.
   */
  async #afterExit(
    target: Process,
    ended: WaitResult,
    written: Position,
    enough: AbortController,
    over: AbortSignal,
  ): Promise<WaitResult> {
    let { process, run } = ended;
    let last: number | undefined;
    while (run !== undefined && !run.output.complete && !over.aborted) {
      // What it wrote last is still on its way, and its children may be about to end as well.
      await sleep(lingerMs, undefined, { signal: over }).catch(() => {});
      const now = await target.get();
      if (now.run === undefined || now.run.number !== run.number) {
        break;
      }
      process = now;
      run = now.run;
      if (!run.treeAlive) {
        break;
      }
      const { nextOffset } = run.output;
      last ??= nextOffset + pipesMost;
      if (written.offset >= Math.min(nextOffset, last)) {
        enough.abort();
        break;
      }
      await written.reached(Math.min(nextOffset, last), over);
    }
    return { process, ...(run !== undefined && { run }) };
  }

  #take(signal: NodeJS.Signals, target: Process): void {
    if ((endingSignals as readonly string[]).includes(signal)) {
      this.#end(signal, target);
    } else if (signal === "SIGTSTP") {
      // Ctrl-Z stops both; SIGCONT is passed on when the shell sends it.
      target
        .signal("SIGSTOP")
        .catch(this.#report)
        .finally(() => this.#own.kill(this.#own.pid, "SIGSTOP"));
    } else {
      target.signal(signal).catch(this.#report);
    }
  }

  #end(signal: NodeJS.Signals, target: Process): void {
    this.#asked++;
    if (this.#asked === 1) {
      this.#caller.note(`pm: sent ${signal} to the process; once more kills it\n`);
      target.signal(signal).catch(this.#report);
    } else if (this.#asked === 2) {
      this.#caller.note("pm: killing the process and all that it started\n");
      target.stop({ force: true, graceMs: 0 }).catch(this.#report);
    } else {
      // The daemon does not answer: leave.
      this.#own.exit(128 + constants.signals[signal]);
    }
  }

  async #passInput(target: Process): Promise<void> {
    const input = new ProcessInput((data, options) => target.write(data, options), 0);
    for await (const chunk of this.#own.stdin) {
      await input.write(chunk);
    }
    await input.write("", { close: true });
  }

  /** @returns what gives the terminal back */
  #passTerminal(target: Process): () => void {
    const { stdin, stdout } = this.#own;
    this.#own.on("SIGWINCH", () => {
      target.resizeTerminal({ rows: stdout.rows, columns: stdout.columns }).catch(this.#report);
    });
    if (!stdin.isTTY) {
      return () => {};
    }
    enterRawMode(stdin, this.#modes !== undefined);
    const restore = (): void => {
      this.#own.off("exit", restore);
      try {
        this.#caller.print(this.#modes?.leave ?? "");
      } catch {
        // The terminal is gone, and what was set on it.
      }
      leaveRawMode(stdin);
    };
    this.#own.once("exit", restore);
    return restore;
  }

  /** What fails because the process has just ended is no news: its end is reported anyway. */
  readonly #report = (error: unknown): void => {
    if (error instanceof PmError && ["NOT_RUNNING", "INPUT_CLOSED", "PROCESS_NOT_FOUND"].includes(error.reason)) {
      return;
    }
    this.#caller.note(formatError(error, false));
  };
}

/** How far a run's output is written, and a way to wait for that. */
class Position {
  offset = 0;
  #waiting: { readonly offset: number; readonly resolve: () => void } | undefined;

  reach(offset: number): void {
    this.offset = offset;
    if (this.#waiting !== undefined && offset >= this.#waiting.offset) {
      this.#waiting.resolve();
    }
  }

  /** Resolves once everything before `offset` is written, or when the signal aborts. One waits at a time. */
  async reached(offset: number, signal: AbortSignal): Promise<void> {
    if (this.offset >= offset || signal.aborted) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = { offset, resolve };
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    this.#waiting = undefined;
  }
}
