import type { Programs } from "./programs.ts";
import type { Random } from "./random.ts";
import type { Report } from "./report.ts";

export interface PartContext {
  readonly seed: number;
  readonly random: Random;
  readonly report: Report;
  readonly programs: Programs;
  /** The command that is tried. Undefined: the built one. */
  readonly pm?: string;
  /** 1: the figures of a full campaign. */
  readonly scale: number;
  /** How often something is done, at least once: `usual` in a full campaign. */
  rounds(usual: number): number;
}

/** One kind of fault: tries it, and reports what did not end as it should. */
export type Part = (context: PartContext) => Promise<void>;
