import type { ProcessFilter } from "../api/list.ts";
import type { ExitStatus } from "../api/run.ts";
import type { OutputSource } from "./source.ts";

/**
 * One run, as far as its output is concerned. There is one object for a run as
 * long as it is kept: runs are told apart by identity.
 */
export interface OutputRun {
  readonly processId: string;
  readonly number: number;
  /** How much output it is to keep, in bytes. */
  readonly limitBytes: number;
  /** Its spec lets a stream hold it. */
  readonly allowsHold: boolean;
  /** The file beside its other files that remembers who holds it; removed with them. */
  readonly holdFile: string;
  /** Nobody will write to its source any more, whatever that says: it never began, or its shim was killed. */
  readonly over: "failed" | "lost" | null;
  /** The main process has not ended, as far as is known. */
  readonly running: boolean;
  /** How the main process ended; null: it has not, or nobody knows. */
  readonly exit: ExitStatus | null;
  /** The run that a restart has begun or is about to begin; null: none; "undecided": one is under way. */
  readonly nextRun: number | "undecided" | null;
  /** It is no longer kept; `openSource` answers null from then on. */
  readonly removed: boolean;
  /**
   * Opens what it wrote. Null: there is nothing (yet).
   *
   * @throws EngineError OUTPUT_UNREADABLE; a Node system error, for example without descriptors to spare.
   */
  openSource(): OutputSource | null;
  /**
   * Tells its shim to overwrite nothing from `offset` on for so many milliseconds from now; 0: no longer.
   *
   * @throws if the shim is gone, or does not do it.
   */
  sendHold(offset: number, milliseconds: number): Promise<void>;
}

/** One process and its runs. There is one object for a process as long as it is kept. */
export interface OutputProcess {
  readonly id: string;
  /** Empty: none. */
  readonly name: string;
  /** Grows with each process that is accepted. */
  readonly sequence: number;
  readonly removed: boolean;
  /** Those kept, the newest first: the current run. */
  readonly runs: readonly OutputRun[];
}

/** Which processes and runs there are. The engine implements it. */
export interface RunDirectory {
  /** In order of creation. */
  readonly processes: Iterable<OutputProcess>;
  /** The sequence of the process accepted last. */
  readonly lastSequence: number;
  find(id: string): OutputProcess | undefined;
  /** Whether a process fits, asked again whenever one has changed. */
  compile(filter: ProcessFilter): (process: OutputProcess) => boolean;
  /** Calls `listener` after each change of a process: new, relabeled, a new run, a run dropped, removed. */
  listen(listener: (process: OutputProcess) => void): () => void;
}
