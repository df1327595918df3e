import type { ProcessUsage } from "../../../sdk/types.ts";

/** What the table shows of what a process uses. */
export type Usage = Pick<ProcessUsage, "cpuPercent" | "residentBytes">;

/** What the processes of the last sample use together. */
export interface UsageTotal {
  readonly cpuPercent: number;
  readonly residentBytes: number;
  readonly processes: number;
}

export const NO_USAGE: UsageTotal = { cpuPercent: 0, residentBytes: 0, processes: 0 };
