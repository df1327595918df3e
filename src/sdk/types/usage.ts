/** What processes use. */
import type { CallOptions, ReconnectOptions } from "./calls.ts";
import type { ProcessFilter } from "./process.ts";

/** What to sample, and how often. */
export interface StatsOptions extends CallOptions, ReconnectOptions {
  /** Applied again for each sample; at most 10,000 processes. @default every process */
  readonly filter?: ProcessFilter;
  /** Milliseconds between samples, 250 to 3,600,000. @default 1000 */
  readonly intervalMs?: number;
  /** Read I/O too. @default false */
  readonly io?: boolean;
  /** List the processes of each tree too; the filter must name at most 100 ids. @default false */
  readonly members?: boolean;
}

/** One process of a tree. */
export interface TreeMember {
  readonly pid: number;
  /** Undefined: its parent is not in the tree. */
  readonly parentPid?: number;
  /** Command line, at most 256 characters, or the name in brackets. */
  readonly command: string;
  /** Scheduling state in words, such as "sleeping". */
  readonly state: string;
  /** Processor time used so far, milliseconds. */
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** What a process and all its descendants use. */
export interface ProcessUsage {
  readonly id: string;
  readonly run: number;
  /** Processor time used so far, milliseconds. */
  readonly cpuMs: number;
  /** Since the sample before, in percent of one processor. Undefined in the first sample of a process. */
  readonly cpuPercent?: number;
  readonly residentBytes: number;
  /** Undefined unless asked for and readable. */
  readonly io?: { readonly readBytes: number; readonly writtenBytes: number };
  /** Processes of the tree besides the main one. */
  readonly descendants: number;
  /** The main process first, at most 256. Empty unless asked for. */
  readonly members: readonly TreeMember[];
}

/** One sample; processes of whose tree nothing lives are not in it. */
export interface UsageSample {
  readonly time: Date;
  /** Milliseconds since the sample before; undefined in the first one. */
  readonly intervalMs?: number;
  readonly usages: readonly ProcessUsage[];
}
