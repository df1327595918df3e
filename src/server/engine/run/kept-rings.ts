import { descriptorShare } from "../descriptors.ts";
import type { Ring } from "../shim/ring.ts";
import type { Run, RunView } from "./run.ts";

/**
 * Looks at the rings of runs, and keeps them open in between: a look at one that
 * has not changed is then a read of four bytes instead of opening a file and
 * decoding its header, for which a list of 10,000 took 0.2 s. One for which there
 * is no descriptor is opened, but only what has changed is decoded.
 *
 * A run's ring is open at most as long as something can be learned from it.
 */
export class KeptRings {
  #most: number;
  #kept = 0;

  /** @param most Descriptors, at most. */
  constructor(most = descriptorShare()) {
    this.#most = most;
  }

  /**
   * What the ring of a run says; null: it is not published.
   *
   * @param open Opens it, if it is not.
   * @throws what `open` and `Ring.header` do
   */
  look(run: Run, open: () => Ring): RunView | null {
    const ring = run.ring ?? open();
    let view: RunView | null = null;
    try {
      if (run.view !== null && ring.isAt(run.ringSeen)) {
        view = run.view;
        return view;
      }
      run.ringSeen = -1;
      const header = ring.header();
      const { seen } = ring;
      if (header.published) view = { header, firstOffset: ring.firstOffset(header) };
      run.ringSeen = seen;
      return view;
    } finally {
      if (view === null || view.header.done) this.#close(run, ring);
      else this.#keep(run, ring);
    }
  }

  /** Nothing more is to be learned from it, or it is to be opened anew. */
  release(run: Run): void {
    run.ringSeen = -1;
    if (run.ring !== null) this.#close(run, run.ring);
  }

  /** Keeps none from now on. */
  close(runs: Iterable<Run>): void {
    this.#most = 0;
    for (const run of runs) this.release(run);
  }

  #keep(run: Run, ring: Ring): void {
    if (run.ring === ring) return;
    if (this.#kept >= this.#most) {
      ring.close();
      return;
    }
    run.ring = ring;
    this.#kept++;
  }

  #close(run: Run, ring: Ring): void {
    if (run.ring === ring) {
      run.ring = null;
      this.#kept--;
    }
    ring.close();
  }
}
