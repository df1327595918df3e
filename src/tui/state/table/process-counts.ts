import type { ProcessInfo, ProcessState } from "../../../sdk/types.ts";
import { endedBadly } from "./process-outcome.ts";

/** How many processes are in each state. */
export interface ProcessCounts extends Readonly<Record<ProcessState, number>> {
  /** Of those that have exited: how many badly, see `endedBadly`. */
  readonly errors: number;
  /** Of whose tree something lives that the daemon samples: not what lives on of a lost one. */
  readonly alive: number;
}

export const NO_PROCESSES: ProcessCounts = {
  starting: 0,
  running: 0,
  stopping: 0,
  exited: 0,
  failed: 0,
  lost: 0,
  waiting: 0,
  givenUp: 0,
  errors: 0,
  alive: 0,
};

/** Counts that are kept up to date as processes come, change and go. */
export class Counter {
  readonly #counts: { -readonly [K in keyof ProcessCounts]: number };

  constructor(counts: ProcessCounts = NO_PROCESSES) {
    this.#counts = { ...counts };
  }

  add(process: ProcessInfo): void {
    this.#count(process, 1);
  }

  remove(process: ProcessInfo): void {
    this.#count(process, -1);
  }

  done(): ProcessCounts {
    return { ...this.#counts };
  }

  #count(process: ProcessInfo, by: 1 | -1): void {
    this.#counts[process.state] += by;
    this.#counts.errors += endedBadly(process) ? by : 0;
    this.#counts.alive += process.run?.treeAlive && process.state !== "lost" ? by : 0;
  }
}
