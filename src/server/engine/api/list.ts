import type { ProcessInfo, ProcessState } from "./process.ts";

/**
 * Selects processes. `ids`, `idPrefixes`, `names` and `namePatterns` are
 * alternatives: if any is given, one entry of one of them must fit. All other
 * criteria must fit too.
 */
export interface ProcessFilter {
  readonly labels: readonly LabelRequirement[];
  /** Empty: all. */
  readonly states: readonly ProcessState[];
  /** Full UUIDs in lower case. */
  readonly ids: readonly string[];
  /** Lower case. */
  readonly idPrefixes: readonly string[];
  /** Each means the process of that name that has not ended, else the one started last. */
  readonly names: readonly string[];
  /** With `*`, `?` and `[…]`. */
  readonly namePatterns: readonly string[];
  /** Nanoseconds since the epoch; null: any. `After` is inclusive, `Before` is not. */
  readonly createdAfter: bigint | null;
  readonly createdBefore: bigint | null;
  readonly endedAfter: bigint | null;
  readonly endedBefore: bigint | null;
  /** Whether it is not over: has not ended for good, or something of its tree lives; null: any. */
  readonly living: boolean | null;
}

/** Fits every process: what a filter is made of by naming the criteria that count. */
export const everything: ProcessFilter = {
  labels: [],
  states: [],
  ids: [],
  idPrefixes: [],
  names: [],
  namePatterns: [],
  createdAfter: null,
  createdBefore: null,
  endedAfter: null,
  endedBefore: null,
  living: null,
};

export interface PageRequest {
  /** Processes at most. 0: the engine's default. */
  readonly size: number;
  /** Empty: the first page. */
  readonly token: string;
  readonly order: "created" | "createdDescending";
  /**
   * Asked for each process in order, once, whether it still has room in the
   * response. The first one has in any case. Default: all have.
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
