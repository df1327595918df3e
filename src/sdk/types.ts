/**
 * The SDK's vocabulary: plain, immutable objects. Times are `Date`, durations
 * milliseconds, sizes and offsets bytes (exact up to 2^53).
 */

/** Where a process stands; see `ProcessState` in the contract. */
export type ProcessState = "starting" | "running" | "stopping" | "exited" | "failed" | "lost";

/** Which pipe a byte of output came through. */
export type OutputStreamName = "stdout" | "stderr" | "tty";

/** A POSIX resource limit; `undefined` means unlimited. */
export interface ResourceLimit {
  /** As in getrlimit(2), lower case, without "RLIMIT_": "nofile", "core", … */
  readonly resource: string;
  readonly soft?: bigint;
  readonly hard?: bigint;
}

/** What a process may use. */
export interface Limits {
  readonly rlimits?: readonly ResourceLimit[];
  /** Memory of the whole tree, bytes. Needs cgroup v2. */
  readonly memoryBytes?: number;
  /** Processor time of the whole tree, thousandths of one processor. Needs cgroup v2. */
  readonly cpuMillis?: number;
  /** Tasks of the whole tree. Needs cgroup v2. */
  readonly processes?: number;
}

/** What to run and how. */
export interface StartOptions {
  /** The UUID that the process shall have. @default a random one, chosen by the SDK so that a retry is safe */
  readonly id?: string;
  /** A path, or a name looked up in the process's PATH. */
  readonly executable: string;
  /** Arguments after argv[0], verbatim. @default [] */
  readonly args?: readonly string[];
  /** Environment variables. @default {} */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether `env` is laid over the daemon's environment or replaces it. @default "extend" */
  readonly envMode?: "extend" | "replace";
  /** Absolute path of the working directory. @default the daemon user's home */
  readonly cwd?: string;
  /** @default no name */
  readonly name?: string;
  /** @default {} */
  readonly labels?: Readonly<Record<string, string>>;
  /** Bytes of output to keep. @default the daemon's default, 1 MiB */
  readonly outputLimitBytes?: number;
  /** @default "null" */
  readonly stdin?: "null" | "pipe";
  /** Give it a pseudo-terminal of this size. @default none */
  readonly terminal?: { readonly rows: number; readonly columns: number };
  /** @default no limits */
  readonly limits?: Limits;
  /** How a stop ends it. @default SIGTERM, 10 seconds */
  readonly stop?: { readonly signal?: string; readonly graceMs?: number };
}

/** What was asked for, as the daemon answers it: {@link StartOptions} with the defaults filled in. */
export interface ProcessSpec {
  readonly executable: string;
  readonly args: readonly string[];
  /** Empty unless asked for with `{ env: true }`. */
  readonly env: Readonly<Record<string, string>>;
  readonly envMode: "extend" | "replace";
  readonly cwd: string;
  /** Empty: no name. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly outputLimitBytes: number;
  readonly stdin: "null" | "pipe";
  readonly terminal?: { readonly rows: number; readonly columns: number };
  readonly limits: Limits;
  readonly stop: { readonly signal: string; readonly graceMs: number };
}

/** How a main process ended: `code` or `signal`, never both. */
export interface ExitStatus {
  readonly code?: number;
  readonly signal?: number;
  /** Such as "SIGKILL"; empty with a code. */
  readonly signalName: string;
  readonly coreDumped: boolean;
  readonly oomKilled: boolean;
  /** What it and the children it waited for used. Milliseconds and bytes. */
  readonly usage: { readonly userMs: number; readonly systemMs: number; readonly maxResidentBytes: number };
}

/** The operating system's answer to a start that failed. */
export interface StartFailure {
  /** Such as "exec" or "chdir". */
  readonly step: string;
  /** 0 if there was no error number. */
  readonly errno: number;
  /** Such as "ENOENT". */
  readonly errnoName: string;
  readonly message: string;
  readonly path: string;
}

/** What is kept of one run's output. */
export interface OutputInfo {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly complete: boolean;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly limitBytes: number;
}

/** A snapshot of one process. */
export interface ProcessInfo {
  readonly id: string;
  readonly spec: ProcessSpec;
  readonly state: ProcessState;
  readonly run: number;
  /** Undefined unless it runs. For display only. */
  readonly pid?: number;
  readonly createTime: Date;
  readonly startTime?: Date;
  readonly exitTime?: Date;
  readonly exit?: ExitStatus;
  readonly failure?: StartFailure;
  readonly output: OutputInfo;
  /** Whether any process of the tree lives. */
  readonly treeAlive: boolean;
  readonly resourceVersion: string;
}

/** Every call takes these. */
export interface CallOptions {
  /** Ends the call; it rejects with reason `ABORTED`. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which the call rejects with reason `TIMEOUT`. @default the manager's `timeoutMs`; none for waiting calls and streams */
  readonly timeoutMs?: number;
}

/** How to stop. */
export interface StopOptions extends CallOptions {
  /** The first signal, by name. @default the process's stop policy */
  readonly stopSignal?: string;
  /** Milliseconds the tree has to end. @default the process's stop policy */
  readonly graceMs?: number;
  /** Kill the whole tree when the grace period is over. @default false */
  readonly force?: boolean;
}

/** What a stop achieved. */
export interface StopResult {
  readonly process: ProcessInfo;
  /** Whether the whole tree is gone. */
  readonly stopped: boolean;
  /** What lives of it, at most 64. */
  readonly survivors: readonly { readonly pid: number; readonly command: string; readonly state: string }[];
}

/** Selects processes; every set field must fit. */
export interface ProcessFilter {
  /** "k=v,k2!=v,k3,!k4" */
  readonly selector?: string;
  readonly states?: readonly ProcessState[];
  /** UUIDs, prefixes or names. */
  readonly ids?: readonly string[];
}

/** Where in a run's output to begin; at most one field. @default offset 0 */
export interface OutputStart {
  readonly offset?: number;
  readonly tailBytes?: number;
  readonly tailLines?: number;
  readonly since?: Date;
}

/** What to read of a process's output. */
export interface OutputOptions extends CallOptions {
  /** @default the current run */
  readonly run?: number;
  /** @default offset 0 */
  readonly start?: OutputStart;
  /** @default all */
  readonly streams?: readonly OutputStreamName[];
}

/** How to stream output. */
export interface StreamOptions extends OutputOptions {
  /** Go on until the output is complete. @default false */
  readonly follow?: boolean;
  /** Go on with the next run when the process is restarted. Needs `follow`. @default false */
  readonly followRestarts?: boolean;
  /** Resume by offset after a disconnect. @default true */
  readonly reconnect?: boolean;
  /** Told when the connection is lost and when it is back. */
  readonly onConnection?: (event: ConnectionEvent) => void;
}

/** A change of the connection behind a stream. */
export type ConnectionEvent =
  | { readonly type: "disconnected"; readonly error: Error; readonly attempt: number; readonly retryInMs: number }
  | { readonly type: "reconnected"; readonly attempt: number };

/** Consecutive bytes of one stream, exactly as written. */
export interface OutputChunk {
  readonly stream: OutputStreamName;
  readonly offset: number;
  readonly time: Date;
  readonly data: Uint8Array;
}

/** One frame of an output stream. */
export type OutputFrame =
  | {
      readonly type: "opened";
      readonly processId: string;
      readonly run: number;
      readonly startOffset: number;
      readonly output: OutputInfo;
    }
  | ({ readonly type: "chunk" } & OutputChunk)
  | { readonly type: "gap"; readonly from: number; readonly to: number }
  | { readonly type: "heartbeat"; readonly nextOffset: number }
  | {
      readonly type: "end";
      readonly finalOffset: number;
      readonly reason: "complete" | "snapshot" | "lost" | "removed";
      readonly exit?: ExitStatus;
      readonly nextRun?: number;
    };

/** One event of a watch. */
export type WatchEvent =
  | { readonly type: "added" | "modified"; readonly process: ProcessInfo }
  | { readonly type: "removed"; readonly id: string }
  | { readonly type: "bookmark"; readonly resourceVersion: string }
  /** The watch began anew (at first, or after a version expired): forget what you know, ADDED events follow. */
  | { readonly type: "reset" };

/** What to sample, and how often. */
export interface StatsOptions extends CallOptions {
  /** UUIDs, prefixes or names, at most 10,000. @default every process */
  readonly ids?: readonly string[];
  /** Milliseconds between samples, 250 to 3,600,000. @default 1000 */
  readonly intervalMs?: number;
  /** Read I/O too. @default false */
  readonly io?: boolean;
  /** List the processes of each tree too; for at most 100 processes. @default false */
  readonly members?: boolean;
}

/** One process of a tree. */
export interface TreeMember {
  readonly pid: number;
  /** 0: its parent is not in the tree. */
  readonly parentPid: number;
  /** Command line, at most 256 characters, or the name in brackets. */
  readonly command: string;
  /** Scheduling state in words, such as "sleeping". */
  readonly state: string;
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** What a process and all its descendants use. */
export interface ProcessUsage {
  readonly id: string;
  readonly run: number;
  /** Processor time used so far, milliseconds. */
  readonly cpuMs: number;
  /** Since the sample before, in percent of one processor. Undefined in the first sample of a process. */
  readonly cpuPercent?: number;
  readonly residentBytes: number;
  /** Undefined unless asked for and readable. */
  readonly io?: { readonly readBytes: number; readonly writtenBytes: number };
  /** Processes of the tree besides the main one. */
  readonly descendants: number;
  /** The main process first, at most 256. Empty unless asked for. */
  readonly members: readonly TreeMember[];
}

/** One sample; processes of whose tree nothing lives are not in it. */
export interface UsageSample {
  readonly time: Date;
  /** Milliseconds since the sample before; undefined in the first one. */
  readonly intervalMs?: number;
  readonly usages: readonly ProcessUsage[];
}
