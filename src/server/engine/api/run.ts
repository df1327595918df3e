import type { Cause } from "./cause.ts";
import type { Survivor } from "./control.ts";

export type RunState = "starting" | "running" | "stopping" | "exited" | "failed" | "lost";

/** An immutable snapshot of one run. Times are nanoseconds since the epoch. */
export interface RunInfo {
  readonly number: number;
  readonly state: RunState;
  readonly cause: Cause;
  /** Null unless the main process lives. */
  readonly pid: number | null;
  readonly createTime: bigint;
  readonly startTime: bigint | null;
  /** `startTime` plus the time that passed on a clock that nobody sets. */
  readonly exitTime: bigint | null;
  readonly exit: ExitStatus | null;
  readonly failure: StartFailure | null;
  readonly output: OutputInfo;
  readonly treeAlive: boolean;
  /** The main process is stopped by a signal such as SIGSTOP. */
  readonly suspended: boolean;
  readonly effective: EffectiveSpec | null;
  /** Of a lost run: what is known to live of its tree. */
  readonly survivors: readonly Survivor[];
  /** Of the latest stop. */
  readonly stop: StopReceipt | null;
}

export interface EffectiveSpec {
  /** Bytes that are not UTF-8 stand escaped, as \xHH. */
  readonly cwd: string;
  readonly outputLimitBytes: number;
  readonly stopSignal: string;
  readonly stopGraceMs: number;
  readonly umask: number;
  readonly nice: number;
  readonly oomScoreAdj: number;
}

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
  /** Null: cannot be known, the run has no cgroup. */
  readonly oomKilled: boolean | null;
  readonly usage: ResourceUsage;
}

/** Numbered as `pm.v1.StartStep`. */
export type StartStep = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;

export interface StartFailure {
  readonly step: StartStep;
  /** Null if there was no error number. */
  readonly errno: number | null;
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
  /** A stream holds it: writers block when the limit is reached. */
  readonly held: boolean;
}

export type StopOutcome = "pending" | "stopped" | "survived" | "alreadyStopped";

/** What a stop did. Times are nanoseconds since the epoch; null: it did not happen (yet). */
export interface StopReceipt {
  readonly cause: Cause;
  readonly signal: string;
  readonly graceMs: number;
  readonly force: boolean;
  readonly requestTime: bigint;
  readonly signalTime: bigint | null;
  readonly killTime: bigint | null;
  readonly endTime: bigint | null;
  readonly outcome: StopOutcome;
  readonly survivors: readonly Survivor[];
}
