import { formatBytes, formatPercent } from "../text/format.ts";
import { type ShownState, STATE_GLYPHS } from "../text/state-glyphs.ts";
import type { DashboardState } from "./state.ts";
import type { ProcessCounts } from "./table/process-counts.ts";
import { samplesAll } from "./table/sampled.ts";
import type { TableState } from "./table/table.ts";

/** A number in the header. */
export interface Tally {
  readonly label: string;
  /** The state whose sign it has: in the table the processes have the same. */
  readonly sign: ShownState;
  readonly count: number;
  /** The filter that shows just them. */
  readonly filter: string;
}

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

/** How the header's second row shows what it counts. */
export interface TallyLook {
  /** In words, or as numbers alone. */
  readonly words: boolean;
  /** Cells between two of them. */
  readonly gap: number;
  /** Cells between them and what is used, at least. */
  readonly apart: number;
}

const LOOKS: readonly TallyLook[] = [
  { words: true, gap: 3, apart: 2 },
  { words: true, gap: 2, apart: 2 },
  { words: true, gap: 1, apart: 1 },
];
/** Numbers alone, as in the one row of a small screen. */
export const SMALLEST: TallyLook = { words: false, gap: 1, apart: 1 };
/** What is used takes so many cells at least: the words do not come and go with a digit. */
const USAGE_COLUMNS = "cpu 10.0% mem 10.0M".length;

/** What all processes together use, at the right of the tallies. */
export function usageSummary({ usageTotal }: TableState): string {
  return `cpu ${formatPercent(usageTotal.cpuPercent)} mem ${formatBytes(usageTotal.residentBytes)}`;
}

/** What of them that is about; "": all, though one that has just begun is only in the next sample. */
export function usageScope(table: TableState): string {
  const { counts, usageTotal } = table;
  return samplesAll(table) || counts.alive <= usageTotal.processes
    ? ""
    : ` · only ${usageTotal.processes} of ${counts.alive}, those in view`;
}

/** "! 2 not seen", with a blank on either side; "": all were seen. */
export function unseenText({ unseen }: DashboardState, words: boolean): string {
  return unseen.length === 0 ? "" : ` ! ${words ? `${unseen.length} not seen` : unseen.length} `;
}

function tallyWidth({ sign, count, label }: Tally, words: boolean): number {
  return `${STATE_GLYPHS[sign]} ${count}${words ? ` ${label}` : ""}`.length;
}

/** The roomiest look that fits beside what is used: a word is worth more than a blank. */
export function tallyLook(state: DashboardState): TallyLook {
  const { table, columns } = state;
  // A blank at either end.
  const room = columns - 2 - Math.max(USAGE_COLUMNS, usageSummary(table).length) - usageScope(table).length;
  const fits = ({ words, gap, apart }: TallyLook): boolean =>
    tallies(table.counts).reduce((sum, tally) => sum + tallyWidth(tally, words) + gap, 0) +
      unseenText(state, words).length <=
    room - apart + (state.unseen.length === 0 ? gap : 0);
  return LOOKS.find(fits) ?? SMALLEST;
}

/** The tally that a cell of the header's second row belongs to; null: none. */
export function tallyAt(state: DashboardState, x: number): Tally | null {
  const { words, gap } = tallyLook(state);
  // The row begins with a blank.
  let from = 1;
  for (const tally of tallies(state.table.counts)) {
    const width = tallyWidth(tally, words);
    if (x >= from && x < from + width) {
      return tally;
    }
    from += width + gap;
  }
  return null;
}
