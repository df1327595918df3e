import { type ShownState, STATE_GLYPHS } from "../text/state-glyphs.ts";
import type { ProcessCounts } from "./table/process-counts.ts";

/** A number in the header. */
export interface Tally {
  readonly label: string;
  /** The state whose sign it has: in the table the processes have the same. */
  readonly sign: ShownState;
  readonly count: number;
  /** The filter that shows just them. */
  readonly filter: string;
}

export const TALLY_GAP = "   ";

/** What the header counts. What is wrong stands before what is over. */
export function tallies(counts: ProcessCounts): readonly Tally[] {
  const all: readonly Tally[] = [
    { label: "running", sign: "running", count: counts.running, filter: "state:running" },
    { label: "starting", sign: "starting", count: counts.starting, filter: "state:starting" },
    { label: "stopping", sign: "stopping", count: counts.stopping, filter: "state:stopping" },
    { label: "waiting", sign: "waiting", count: counts.waiting, filter: "state:waiting" },
    { label: "exited", sign: "failed", count: counts.errors, filter: "exit:bad" },
    { label: "failed", sign: "failed", count: counts.failed, filter: "state:failed" },
    { label: "lost", sign: "lost", count: counts.lost, filter: "state:lost" },
    { label: "given up", sign: "givenUp", count: counts.givenUp, filter: "state:givenup" },
    { label: "exited", sign: "exited", count: counts.exited - counts.errors, filter: "state:exited !exit:bad" },
  ];
  return all.filter(({ label, count }) => count > 0 || label === "running");
}

/** The tally that a cell of the header's second row belongs to; null: none. */
export function tallyAt(counts: ProcessCounts, x: number): Tally | null {
  // The row begins with a blank.
  let from = 1;
  for (const tally of tallies(counts)) {
    const width = `${STATE_GLYPHS[tally.sign]} ${tally.count} ${tally.label}`.length;
    if (x >= from && x < from + width) {
      return tally;
    }
    from += width + TALLY_GAP.length;
  }
  return null;
}
