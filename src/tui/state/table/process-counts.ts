import type { ProcessInfo, ProcessState } from "../../../sdk/types.ts";
import { endedBadly } from "./process-outcome.ts";
import { SUPERVISION_FACT_KEYS, SUPERVISION_FACTS, type SupervisionFact } from "./supervision-facts.ts";

/** How many processes are in each state. */
export interface ProcessCounts extends Readonly<Record<ProcessState, number>> {
  /** Of those that have exited: how many badly, see `endedBadly`. */
  readonly errors: number;
  /** Of whose tree something lives that the daemon samples: not what lives on of a lost one. */
  readonly alive: number;
  /** Of which there is something to say of each. */
  readonly facts: Readonly<Record<SupervisionFact, number>>;
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
  facts: { status: 0, project: 0, schedule: 0, queue: 0, restarts: 0, health: 0, next: 0 },
};

/** Counts that are kept up to date as processes come, change and go. */
export class Counter {
  readonly #counts: { -readonly [K in Exclude<keyof ProcessCounts, "facts">]: number };
  readonly #facts: Record<SupervisionFact, number>;

  constructor({ facts, ...counts }: ProcessCounts = NO_PROCESSES) {
    this.#counts = counts;
    this.#facts = { ...facts };
  }

  add(process: ProcessInfo): void {
    this.#count(process, 1);
  }

  remove(process: ProcessInfo): void {
    this.#count(process, -1);
  }

  done(): ProcessCounts {
    return { ...this.#counts, facts: { ...this.#facts } };
  }

  #count(process: ProcessInfo, by: 1 | -1): void {
    this.#counts[process.state] += by;
    this.#counts.errors += endedBadly(process) ? by : 0;
    this.#counts.alive += process.run?.treeAlive && process.state !== "lost" ? by : 0;
    for (const fact of SUPERVISION_FACT_KEYS) {
      this.#facts[fact] += SUPERVISION_FACTS[fact](process) ? by : 0;
    }
  }
}
