import type { ProcessSpec } from "./spec.ts";

export type ProcessState = "starting" | "running" | "stopping" | "exited" | "failed" | "lost";

export interface ResourceUsage {
  readonly userMicros: number;
  readonly systemMicros: number;
  readonly maxResidentBytes: number;
}

export interface ExitStatus {
  /** Either code or signal is a number, the other null. */
  readonly code: number | null;
  readonly signal: number | null;
  /** Such as "SIGKILL"; empty with a code. */
  readonly signalName: string;
  readonly coreDumped: boolean;
  readonly oomKilled: boolean;
  readonly usage: ResourceUsage;
}

/** Numbered as `pm.v1.StartStep`. */
export type StartStep = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11;

export interface StartFailure {
  readonly step: StartStep;
  /** 0 if there was no error number. */
  readonly errno: number;
  readonly errnoName: string;
  readonly message: string;
  /** Empty where the step was not about a file. */
  readonly path: string;
}

export interface OutputInfo {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly complete: boolean;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly limitBytes: number;
}

/** An immutable snapshot of one process. Times are nanoseconds since the epoch. */
export interface ProcessInfo {
  readonly id: string;
  readonly spec: ProcessSpec;
  readonly state: ProcessState;
  readonly run: number;
  /** 0 unless running or stopping. */
  readonly pid: number;
  readonly createTime: bigint;
  readonly startTime: bigint | null;
  readonly exitTime: bigint | null;
  readonly exit: ExitStatus | null;
  readonly failure: StartFailure | null;
  readonly output: OutputInfo;
  readonly treeAlive: boolean;
  readonly resourceVersion: string;
}
