/** Processes, their runs, and what changed them. */
import type { OutputInfo } from "./output.ts";
import type { SupervisionStatus } from "./policy.ts";
import type { ProcessSpec } from "./spec.ts";

/** Where a run stands; see `RunState` in the contract. */
export type RunState = "starting" | "running" | "stopping" | "exited" | "failed" | "lost";

/** Where a process stands: the state of its current run, or that it waits for one; see `ProcessState` in the contract. */
export type ProcessState = RunState | "waiting" | "givenUp";

/** What a process is meant to do. */
export type DesiredState = "running" | "stopped";

/** What kind of thing made a change happen; see `CauseKind` in the contract. */
export type CauseKind =
  | "request"
  | "exit"
  | "restartPolicy"
  | "probe"
  | "dependency"
  | "schedule"
  | "queue"
  | "retention"
  | "recovery"
  | "startFailure"
  | "boot"
  | "limit"
  | "project"
  /** One that this version of the SDK does not know. */
  | "unknown";

/** Why something happened, and who asked for it. */
export interface Cause {
  readonly kind: CauseKind;
  /** "local" over the Unix socket, else the name of the user. Undefined: nobody asked. */
  readonly principal?: string;
  /** `ChangeOptions.requestId` of the request. */
  readonly requestId?: string;
  /** For people, such as "exit code 1". Not for programs to match. */
  readonly detail?: string;
}

/** One change of a process's state. */
export interface Change {
  /** Its number in the journal. */
  readonly sequence: number;
  readonly time: Date;
  /** Undefined: it happened to no run. */
  readonly run?: number;
  /** Undefined: the process was created by it. */
  readonly from?: ProcessState;
  /** Undefined: the process was removed by it. */
  readonly to?: ProcessState;
  readonly cause?: Cause;
}

/** How a main process ended: `code` or `signal`, never both. */
export interface ExitStatus {
  /** 0 to 255. */
  readonly code?: number;
  readonly signal?: number;
  /** Such as "SIGKILL". Undefined with a code. */
  readonly signalName?: string;
  readonly coreDumped: boolean;
  /** Whether the out-of-memory killer struck in its cgroup. Undefined: that cannot be known. */
  readonly oomKilled?: boolean;
  /** What it and the children it waited for used. Milliseconds and bytes. */
  readonly usage: { readonly userMs: number; readonly systemMs: number; readonly maxResidentBytes: number };
}

/** The operating system's response to a start that failed. */
export interface StartFailure {
  /** Such as "exec" or "chdir". */
  readonly step: string;
  /** Undefined: the failure had no error number. */
  readonly errno?: number;
  /** Such as "ENOENT". */
  readonly errnoName?: string;
  readonly message: string;
  /** What the step was about, where it was about a file. */
  readonly path?: string;
}

/** One process of a tree that a stop did not end, or that outlived its shim. */
export interface Survivor {
  readonly pid: number;
  /** Its command line, shortened to 256 characters, or its name in brackets where it has none. */
  readonly command: string;
  /** Such as "sleeping" or "uninterruptible sleep" (proc_pid_stat(5)). */
  readonly state: string;
}

/** What became of a stop. */
export type StopOutcome = "pending" | "stopped" | "survived" | "alreadyStopped";

/** A stop: who asked for it, what was done, and what came of it. */
export interface StopReceipt {
  readonly cause?: Cause;
  /** The first signal, such as "SIGTERM". */
  readonly signal: string;
  /** Milliseconds that the tree had to end. */
  readonly graceMs: number;
  /** Whether what is left after the grace period is killed. */
  readonly force: boolean;
  readonly requestTime?: Date;
  /** Undefined: no signal was sent. */
  readonly signalTime?: Date;
  /** Undefined: SIGKILL was not sent. */
  readonly killTime?: Date;
  /** Undefined: pending. */
  readonly endTime?: Date;
  readonly outcome: StopOutcome;
  /** What lives of the tree with outcome "survived", at most 64. */
  readonly survivors: readonly Survivor[];
}

/** What defaults and look-ups made of a spec. */
export interface EffectiveSpec {
  /** Bytes that are not UTF-8 are shown escaped as \xHH. */
  readonly cwd: string;
  readonly outputLimitBytes: number;
  readonly stopSignal: string;
  readonly stopGraceMs: number;
  readonly umask: number;
  readonly nice: number;
  readonly oomScoreAdj: number;
}

/** One execution of a process. */
export interface RunInfo {
  /** Counts the runs of a process from 1. */
  readonly number: number;
  readonly state: RunState;
  /** Why it began, and who asked for it. */
  readonly cause?: Cause;
  /** Undefined unless the main process lives. For display only. */
  readonly pid?: number;
  readonly createTime: Date;
  /** Undefined: its program was not executed yet. */
  readonly startTime?: Date;
  /** Undefined: the main process has not ended. */
  readonly exitTime?: Date;
  readonly exit?: ExitStatus;
  readonly failure?: StartFailure;
  readonly output: OutputInfo;
  /** Whether any process of the tree lives. */
  readonly treeAlive: boolean;
  /** Whether the main process is stopped by a signal such as SIGSTOP. */
  readonly suspended: boolean;
  /** Undefined before it began. */
  readonly effective?: EffectiveSpec;
  /** What is known to live of a lost run's tree, at most 64. */
  readonly survivors: readonly Survivor[];
  /** The receipt of its latest stop. */
  readonly stop?: StopReceipt;
}

/** A snapshot of one process. */
export interface ProcessInfo {
  /** Its UUID. */
  readonly id: string;
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ProcessSpec;
  readonly state: ProcessState;
  readonly desiredState: DesiredState;
  /** Its current run, or the latest one. Undefined: it waits for its first. */
  readonly run?: RunInfo;
  readonly createTime: Date;
  /** The order of creation, whatever the clock did. */
  readonly sequence: number;
  /** Changes with everything but the growth of output. */
  readonly resourceVersion: string;
  readonly lastChange?: Change;
  /** What its policies make of it. Undefined: it has none, and never waited. */
  readonly supervision?: SupervisionStatus;
}

/** What a process is called. */
export type ProcessIdentity = Pick<ProcessInfo, "id" | "name">;

/** What a table shows of a run. */
export type RunSummary = Pick<
  RunInfo,
  "number" | "state" | "pid" | "createTime" | "startTime" | "exitTime" | "failure" | "treeAlive" | "suspended"
> & { readonly exit?: Omit<ExitStatus, "usage"> };

/** What a table shows of a process: a fraction of it. Every {@link ProcessInfo} is one, too. */
export interface ProcessSummary extends Omit<ProcessInfo, "spec" | "run" | "lastChange"> {
  readonly spec: Pick<ProcessSpec, "executable" | "args">;
  /** Its current run, or the latest one. Undefined: it waits for its first. */
  readonly run?: RunSummary;
}

/** Selects processes. `ids`, `idPrefixes`, `names` and `namePatterns` are alternatives; all else that is set must fit. */
export interface ProcessFilter {
  /** Labels: "k=v,k2!=v,k3,!k4". @default any */
  readonly selector?: string;
  /** @default any */
  readonly states?: readonly ProcessState[];
  /** UUIDs, at most 1000. @default any */
  readonly ids?: readonly string[];
  /** The first 4 to 35 characters of UUIDs, at most 1000. @default any */
  readonly idPrefixes?: readonly string[];
  /** Exact names, at most 1000. @default any */
  readonly names?: readonly string[];
  /** Names with "*", "?" and "[a-c]", at most 100. @default any */
  readonly namePatterns?: readonly string[];
  /** Accepted at or after this time. @default any time */
  readonly createdAfter?: Date;
  /** Accepted before this time. @default any time */
  readonly createdBefore?: Date;
  /** Whose latest run ended at or after this time. @default whether it has ended or not */
  readonly endedAfter?: Date;
  /** Whose latest run ended before this time. @default whether it has ended or not */
  readonly endedBefore?: Date;
  /** Whether it is not over: it has not ended, has given up, or something of its tree lives. @default any */
  readonly living?: boolean;
}

/** The processes of a call that changes many: a filter, or every process by an explicit `{ all: true }`. */
export type Selection = ProcessFilter | { readonly all: true };
