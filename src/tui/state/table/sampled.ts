import { sortsByUsage } from "./sort.ts";
import type { TableState } from "./table.ts";

/** Up to so many living processes all are sampled, above it those in view. */
const SAMPLE_ALL = 500;

/** Whether samples are of everything that lives: else they are of what is in view, and so is their total. */
export function samplesAll({ counts, sortKey }: TableState): boolean {
  return counts.alive <= SAMPLE_ALL || sortsByUsage(sortKey);
}
