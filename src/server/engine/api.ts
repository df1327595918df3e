/**
 * What the engine can do, in terms that know nothing of RPC. `server/rpc`
 * translates the contract to this and back; the meaning of every field is
 * documented at its namesake in `proto/pm/v1`.
 */

export type ProcessState = "starting" | "running" | "stopping" | "exited" | "failed" | "lost";

/** Offsets and sizes are bytes; exact up to 2^53. */
export interface ProcessSpec {
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly envMode: "extend" | "replace";
  /** Absolute; empty: the daemon user's home directory. */
  readonly cwd: string;
  /** Empty: no name. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** 0: the engine's default. */
  readonly outputLimitBytes: number;
  readonly stdin: "null" | "pipe";
  readonly terminal: TerminalSize | null;
  readonly limits: Limits;
  readonly stop: StopPolicy;
}

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface Limits {
  readonly rlimits: readonly ResourceLimit[];
  readonly memoryBytes: number | null;
  readonly cpuMillis: number | null;
  readonly processes: number | null;
}

/** `null` means unlimited; `bigint`, since rlimits use all 64 bits. */
export interface ResourceLimit {
  readonly resource: string;
  readonly soft: bigint | null;
  readonly hard: bigint | null;
}

export interface StopPolicy {
  /** Canonical name, such as "SIGTERM"; empty: SIGTERM. */
  readonly signal: string;
  /** Milliseconds; null: the engine's default. */
  readonly graceMs: number | null;
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

export type OutputStreamName = "stdout" | "stderr" | "tty";

export type OutputStart =
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "tailBytes"; readonly bytes: number }
  | { readonly kind: "tailLines"; readonly lines: number }
  /** Nanoseconds since the epoch. */
  | { readonly kind: "since"; readonly time: bigint };

export interface OutputChunk {
  readonly stream: OutputStreamName;
  readonly offset: number;
  /** Microseconds since the epoch. */
  readonly timeMicros: number;
  readonly data: Uint8Array;
}

export interface OutputGap {
  readonly from: number;
  readonly to: number;
}

export interface OutputRead {
  readonly run: number;
  readonly chunks: readonly OutputChunk[];
  readonly gap: OutputGap | null;
  readonly nextOffset: number;
  readonly output: OutputInfo;
}

export type OutputFrame =
  | {
      readonly kind: "opened";
      readonly processId: string;
      readonly run: number;
      readonly startOffset: number;
      readonly output: OutputInfo;
    }
  | { readonly kind: "chunk"; readonly chunk: OutputChunk }
  | { readonly kind: "gap"; readonly gap: OutputGap }
  | { readonly kind: "heartbeat"; readonly nextOffset: number }
  | {
      readonly kind: "end";
      readonly finalOffset: number;
      readonly reason: "complete" | "snapshot" | "lost" | "removed";
      readonly exit: ExitStatus | null;
      /** 0: none. */
      readonly nextRun: number;
    };

export interface ReadOutputOptions {
  /** 0: the current run. */
  readonly run: number;
  readonly start: OutputStart;
  /** Empty: all. */
  readonly streams: readonly OutputStreamName[];
}

export interface StreamOutputOptions extends ReadOutputOptions {
  readonly follow: boolean;
  readonly heartbeatMs: number;
}

export type WatchEvent =
  | {
      readonly type: "added" | "modified";
      readonly process: ProcessInfo;
      /** Empty in the ADDED events before the first BOOKMARK. */
      readonly resourceVersion: string;
    }
  | { readonly type: "removed"; readonly id: string; readonly resourceVersion: string }
  | { readonly type: "bookmark"; readonly resourceVersion: string };

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
  /** Process references; empty: all. */
  readonly ids: readonly string[];
  readonly intervalMs: number;
  readonly io: boolean;
  readonly members: boolean;
}

export interface EngineInfo {
  readonly defaultOutputLimitBytes: number;
  readonly maxOutputLimitBytes: number;
  readonly maxProcesses: number;
  readonly cgroupLimits: boolean;
  readonly counts: Readonly<Record<ProcessState, number>>;
}

/** Names of `pm.v1.ErrorReason` that the engine raises, without the prefix. */
export type EngineErrorReason =
  | "INVALID_ARGUMENT"
  | "INVALID_ID"
  | "PROCESS_NOT_FOUND"
  | "PROCESS_AMBIGUOUS"
  | "PROCESS_EXISTS"
  | "NAME_IN_USE"
  | "START_FAILED"
  | "NOT_RUNNING"
  | "STILL_RUNNING"
  | "INPUT_CLOSED"
  | "RUN_NOT_FOUND"
  | "OFFSET_OUT_OF_RANGE"
  | "RESOURCE_VERSION_EXPIRED"
  | "PAGE_TOKEN_INVALID"
  | "UNSUPPORTED_LIMIT"
  | "LIMIT_EXCEEDED"
  | "SHUTTING_DOWN"
  | "SUPERVISOR_LOST";

/** The engine's one error class. `metadata` holds the keys documented at the reason. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly reason: EngineErrorReason;
  readonly metadata: Readonly<Record<string, string>>;

  constructor(reason: EngineErrorReason, message: string, metadata: Record<string, string> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.metadata = metadata;
  }
}

/**
 * The engine. `ref` is a process reference as `ProcessService` documents it.
 * Every method that waits takes an AbortSignal: aborting it ends the waiting,
 * rejects with the signal's reason, and undoes nothing.
 */
export interface Engine {
  info(): EngineInfo;
  start(request: { id: string; spec: ProcessSpec }): Promise<{ process: ProcessInfo; existing: boolean }>;
  stop(ref: string, options: StopOptions, signal?: AbortSignal): Promise<StopResult>;
  signal(ref: string, signalName: string, target: SignalTarget): Promise<ProcessInfo>;
  restart(ref: string, options: StopOptions, signal?: AbortSignal): Promise<ProcessInfo>;
  get(ref: string): ProcessInfo;
  list(filter: ProcessFilter, page: PageRequest): Promise<ProcessPage>;
  /** Ends (returns) never by itself; fails with SHUTTING_DOWN when the engine closes. */
  watch(
    options: { resourceVersion: string; filter: ProcessFilter; bookmarkMs: number },
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent>;
  /** Ends (returns) never by itself; fails with SHUTTING_DOWN when the engine closes. */
  stats(options: StatsOptions, signal: AbortSignal): AsyncIterable<UsageSample>;
  wait(ref: string, condition: WaitCondition, run: number, signal: AbortSignal): Promise<ProcessInfo>;
  readOutput(ref: string, options: ReadOutputOptions & { maxBytes: number }): Promise<OutputRead>;
  streamOutput(ref: string, options: StreamOutputOptions, signal: AbortSignal): AsyncIterable<OutputFrame>;
  writeInput(ref: string, data: Uint8Array, close: boolean, signal: AbortSignal): Promise<void>;
  resizeTerminal(ref: string, size: TerminalSize): Promise<void>;
  remove(ref: string, force: boolean): Promise<string>;
  prune(filter: ProcessFilter, olderThanMs: number, dryRun: boolean): Promise<{ ids: string[]; freedBytes: number }>;
  /** Stops every process by force after its grace period (or `graceMs`); for Shutdown with stop_processes. */
  stopAll(graceMs: number | null): Promise<void>;
  /** Ends all waiting with SHUTTING_DOWN and lets go of every descriptor. Processes run on. */
  close(): Promise<void>;
}
