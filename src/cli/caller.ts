/** Whom a command acts for: all that it may know of the world that called it. */
import { resolve } from "node:path";
import { ExitCode } from "../common/exit-codes.ts";
import { CommandError } from "./errors.ts";

/**
 * The process that called a command. Commands ask this instead of `process`,
 * since a command may run in a process that is not the caller's (`src/host`).
 */
export interface Caller {
  /** What follows "pm" on the command line. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; undefined where the directory no longer exists. */
  readonly cwd: string | undefined;
  readonly terminal: Terminal;
  /** Aborted when nobody waits for the command any longer. */
  readonly signal: AbortSignal;
  /** What its processes inherit, as bytes and numbers. Read when it is asked for. */
  readonly inherited: Inherited;

  /**
   * Writes all of it to standard output, before anything that is written later. For results that are small.
   *
   * @throws BrokenPipe, OutputFailed
   */
  print(text: string): void;
  /** Tells a person something, on standard error. A standard error that takes nothing is not worth failing for. */
  note(text: string): void;
  /**
   * Writes all of it to standard output and resolves when it was taken: whoever awaits it is as slow as the reader.
   *
   * @throws BrokenPipe, OutputFailed
   */
  writeOutput(data: Uint8Array): Promise<void>;
  /**
   * All output is written.
   *
   * @throws OutputFailed if the command took up one that was broken off, and did not come as far again
   */
  finish(): void;
  /** What the command said before it was broken off, where this is its second run; undefined: nothing. */
  readonly remembered: string | undefined;
  /** Has something remembered for a second run, should this one be broken off: at most 127 characters of ASCII. */
  remember(text: string): void;
  /**
   * The process of the caller itself, for what only it can do: take keys and signals, read its files, start a daemon.
   * To be asked for before a command has any effect.
   *
   * @throws OwnProcessNeeded where the command runs elsewhere; it is then run again in a process of its own
   */
  ownProcess(): NodeJS.Process;
  /** Whether {@link ownProcess} may still be asked for: nothing was written. */
  mayLeave(): boolean;
  /** Has something let go of when the command is over, or nobody waits for it any longer. */
  onEnd(release: () => void): void;
}

/** Which standard streams are terminals. */
export interface Terminal {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Of the terminal that standard output is; undefined if it is none, or does not know. */
  readonly size: { readonly rows: number; readonly columns: number } | undefined;
}

/** What a process takes over from the one that starts it. */
export interface Inherited {
  /** {@link Caller.args}, as the bytes that they are. */
  readonly args: readonly Uint8Array[];
  /** Each "KEY=VALUE", in the order of the environment. */
  readonly env: readonly Uint8Array[];
  readonly cwd: Uint8Array | undefined;
  /** The bits that are taken from the mode of new files. */
  readonly umask: number;
  /** From -20, the most favored, to 19. */
  readonly nice: number;
  /** By the name that `ulimit` options use, such as "nofile". */
  readonly rlimits: Readonly<Record<string, Rlimit>>;
}

/** A resource limit of getrlimit(2); a bound that is undefined is RLIM_INFINITY. */
export interface Rlimit {
  readonly soft: bigint | undefined;
  readonly hard: bigint | undefined;
}

/** The command must run in a process of its own. Nothing has been done yet. */
export class OwnProcessNeeded extends Error {
  override readonly name = "OwnProcessNeeded";
}

/** Nobody reads standard output any more. */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";
}

/** Standard output takes nothing more; the message says why. */
export class OutputFailed extends CommandError {}

/** Whether nothing more is to be done for this command, whatever it was about to do. */
export function endsCommand(error: unknown): boolean {
  return error instanceof BrokenPipe || error instanceof OutputFailed || error instanceof OwnProcessNeeded;
}

/**
 * Makes a path absolute, by the caller's directory.
 *
 * @throws CommandError if that directory is gone
 */
export function resolvePath(caller: Pick<Caller, "cwd">, path: string): string {
  if (path.startsWith("/")) {
    return resolve(path);
  }
  if (caller.cwd === undefined) {
    throw new CommandError("the current directory no longer exists", {
      exitCode: ExitCode.failure,
      hint: "change to another one, or give absolute paths",
    });
  }
  return resolve(caller.cwd, path);
}
