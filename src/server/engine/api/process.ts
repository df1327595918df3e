import type { Cause } from "./cause.ts";
import type { RunInfo, RunState } from "./run.ts";
import type { ProcessSpec } from "./spec.ts";
import type { Supervision } from "./supervision.ts";

/** "waiting" and "givenUp" are supervision's: no run is under way. */
export type ProcessState = RunState | "waiting" | "givenUp";

export type DesiredState = "running" | "stopped";

/** Which process is meant: by its UUID, or by its name. */
export type ProcessRef =
  | { readonly id: string; readonly name?: undefined }
  | { readonly name: string; readonly id?: undefined };

/** An immutable snapshot of one process. Times are nanoseconds since the epoch. */
export interface ProcessInfo {
  readonly id: string;
  /** Empty: none. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ProcessSpec;
  readonly state: ProcessState;
  readonly desiredState: DesiredState;
  /** The current run, or the latest one. Number 0: there has been none yet, and nothing else in it means anything. */
  readonly run: RunInfo;
  readonly createTime: bigint;
  /** Grows with each process that is accepted. */
  readonly sequence: number;
  readonly resourceVersion: string;
  readonly lastChange: Change;
  /** Undefined: supervision keeps nothing with it. */
  readonly supervision?: Supervision | undefined;
}

/** The latest change of a process's state. */
export interface Change {
  /** Its number in the journal. */
  readonly sequence: number;
  readonly time: bigint;
  readonly run: number;
  /** Null: the process was created by it. */
  readonly from: ProcessState | null;
  readonly to: ProcessState;
  readonly cause: Cause;
}
