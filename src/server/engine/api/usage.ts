import type { ProcessFilter } from "./list.ts";

export interface TreeMember {
  readonly pid: number;
  /** 0: the parent is not in the tree. */
  readonly parentPid: number;
  readonly command: string;
  readonly state: string;
  readonly cpuMicros: number;
  readonly residentBytes: number;
}

export interface ProcessUsage {
  readonly id: string;
  readonly run: number;
  readonly cpuMicros: number;
  /** Null in the first sample of a process. */
  readonly cpuPercent: number | null;
  readonly residentBytes: number;
  readonly io: { readonly readBytes: number; readonly writtenBytes: number } | null;
  readonly descendants: number;
  readonly members: readonly TreeMember[];
}

export interface UsageSample {
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  /** Null in the first sample. */
  readonly intervalMs: number | null;
  readonly usages: readonly ProcessUsage[];
}

export interface StatsOptions {
  /** Applied again for each sample. */
  readonly filter: ProcessFilter;
  readonly intervalMs: number;
  readonly io: boolean;
  readonly members: boolean;
}
