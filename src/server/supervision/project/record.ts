import type { Cause } from "../../engine/api/cause.ts";
import type { ProcessSpec } from "../../engine/api/spec.ts";
import type { ScheduleRequest } from "../schedule/scheduler.ts";

/** A project as it lies on disk: what it is to be, and what is left to do. Times are milliseconds since the epoch. */
export interface ProjectRecord {
  readonly name: string;
  readonly processes: readonly ProjectProcess[];
  /** For people. */
  readonly source: string;
  readonly applyTime: number;
  /** Counts the changes of the description. */
  readonly version: number;
  /** What was asked for and is not finished; null: nothing. */
  readonly pending: PendingApply | PendingRemove | null;
}

export interface ProjectProcess {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ProcessSpec;
  /** Null: one, without a number. */
  readonly replicas: number | null;
  /** It is made, but not started. */
  readonly stopped: boolean;
}

/** `processId` is filled in: `process` is a name in the project. */
export type ProjectSchedule = Omit<ScheduleRequest, "processId"> & { readonly process: string };

export interface PendingApply {
  readonly kind: "apply";
  readonly prune: boolean;
  /** Names of processes with all they depend on; null: all. */
  readonly only: readonly string[] | null;
  /** UUIDs with the run that is to be replaced whether or not anything changed. */
  readonly restart: Readonly<Record<string, number>>;
  /** All that the project has; absent: they stay as they are. */
  readonly schedules?: readonly ProjectSchedule[];
  readonly cause: Cause;
}

export interface PendingRemove {
  readonly kind: "remove";
  /** Null: each process's own. */
  readonly graceMs: number | null;
  readonly keepProcesses: boolean;
  readonly cause: Cause;
}
