import type { ProcessInfo } from "./process.ts";

export interface StopOptions {
  /** Canonical name; empty: the spec's policy. */
  readonly signal: string;
  /** Milliseconds; null: the spec's policy. */
  readonly graceMs: number | null;
  readonly force: boolean;
}

export interface Survivor {
  readonly pid: number;
  readonly command: string;
  readonly state: string;
}

export interface StopResult {
  readonly process: ProcessInfo;
  readonly stopped: boolean;
  readonly survivors: readonly Survivor[];
}

export type SignalTarget = "group" | "main" | "tree";

export type WaitCondition = "exited" | "outputComplete" | "treeGone";
