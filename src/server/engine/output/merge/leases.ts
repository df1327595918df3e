import type { OutputRun } from "../directory.ts";
import type { SourceLease, SourcePool } from "../pool.ts";
import type { OutputSource } from "../source.ts";

/** Open sources of one stream of many runs: those used last, so that an idle member costs no descriptor. */
export class RecentLeases {
  readonly #pool: SourcePool;
  readonly #limit: number;
  /** In the order of their last use. */
  readonly #leases = new Map<OutputRun, SourceLease>();

  constructor(pool: SourcePool, limit: number) {
    this.#pool = pool;
    this.#limit = limit;
  }

  /**
   * To be used before another one is opened. Null: the run has written nothing (yet), or is removed.
   *
   * @throws what `OutputRun.openSource` does.
   */
  open(run: OutputRun): OutputSource | null {
    const known = this.#leases.get(run);
    if (known !== undefined) {
      this.#leases.delete(run);
      this.#leases.set(run, known);
      return known.source;
    }
    if (this.#leases.size >= this.#limit) {
      const [oldest] = this.#leases.keys();
      if (oldest !== undefined) this.close(oldest);
    }
    const lease = this.#pool.acquire(run);
    if (lease === null) return null;
    this.#leases.set(run, lease);
    return lease.source;
  }

  close(run: OutputRun): void {
    this.#leases.get(run)?.release();
    this.#leases.delete(run);
  }

  closeAll(): void {
    for (const run of [...this.#leases.keys()]) this.close(run);
  }
}
