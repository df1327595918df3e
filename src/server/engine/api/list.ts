import type { ProcessInfo, ProcessState } from "./process.ts";

export interface ProcessFilter {
  readonly labels: readonly LabelRequirement[];
  /** Empty: all. */
  readonly states: readonly ProcessState[];
  /** Process references; empty: all. */
  readonly ids: readonly string[];
}

export interface PageRequest {
  /** Processes at most. 0: the engine's default. */
  readonly size: number;
  /** Empty: the first page. */
  readonly token: string;
  /**
   * Asked for each process in order, once, whether it still has room in the
   * answer. The first one has in any case. Default: all have.
   */
  readonly fits?: (process: ProcessInfo) => boolean;
}

export interface ProcessPage {
  readonly processes: readonly ProcessInfo[];
  /** Empty: there are no more. */
  readonly nextPageToken: string;
  readonly resourceVersion: string;
  readonly totalSize: number;
}

export interface LabelRequirement {
  readonly key: string;
  readonly op: "equals" | "notEquals" | "exists" | "notExists";
  /** Empty for exists and notExists. */
  readonly value: string;
}
