/**
 * The SDK's vocabulary: plain, immutable objects. Times are `Date`, durations
 * milliseconds, sizes and offsets bytes (exact up to 2^53).
 */
import type { PmError } from "./errors.ts";

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
  readonly survivors: readonly Survivor[];
}

/** One process of a tree that a stop did not end. */
export interface Survivor {
  readonly pid: number;
  /** Its command line, shortened to 256 characters, or its name in brackets where it has none. */
  readonly command: string;
  /** Such as "sleeping" or "uninterruptible sleep" (proc_pid_stat(5)). */
  readonly state: string;
}

/** How to signal. */
export interface SignalOptions extends CallOptions {
  /** The process group, the main process alone, or every descendant too. @default "group" */
  readonly target?: SignalTarget;
}

/** Which processes of a tree a signal goes to. */
export type SignalTarget = "group" | "main" | "tree";

/** How to read a process. */
export interface GetOptions extends CallOptions {
  /** Fill in `spec.env`. Environments often hold secrets. @default false */
  readonly env?: boolean;
}

/** Selects processes; every set field must fit. */
export interface ProcessFilter {
  /** "k=v,k2!=v,k3,!k4" */
  readonly selector?: string;
  readonly states?: readonly ProcessState[];
  /** UUIDs, prefixes or names. */
  readonly ids?: readonly string[];
}

/** How to list. */
export interface ListOptions extends GetOptions {
  /** @default every process */
  readonly filter?: ProcessFilter;
  /** Processes asked for at a time, at most 10000. @default 1000 */
  readonly pageSize?: number;
}

/** How to list one page. */
export interface ListPageOptions extends ListOptions {
  /** `nextPageToken` of the page before, with the same filter. @default the first page */
  readonly pageToken?: string;
}

/** One page of a list, in order of creation. */
export interface ProcessPage {
  readonly processes: readonly ProcessInfo[];
  /** Undefined on the last page. */
  readonly nextPageToken?: string;
  /** The moment of the list, for `watch`: from the first page's version a watch misses nothing. */
  readonly resourceVersion: string;
  /** How many processes the filter selects, over all pages. */
  readonly totalSize: number;
}

/** What happens to a long-lived call when its connection is lost. */
export interface ReconnectOptions {
  /**
   * Go on after the connection was lost, however long that takes, with pauses of 100 ms to 5 s between attempts. A
   * daemon that cannot be reached at the very beginning is an error in any case.
   *
   * @default true
   */
  readonly reconnect?: boolean;
  /** Told when the connection is lost, after each failed attempt, and when it is back. Must not throw. */
  readonly onConnection?: (event: ConnectionEvent) => void;
}

/** How to watch. */
export interface WatchOptions extends GetOptions, ReconnectOptions {
  /** @default every process */
  readonly filter?: ProcessFilter;
  /** Where to resume: of a list, a process or a bookmark. @default begin with what there is */
  readonly resourceVersion?: string;
  /** Milliseconds between bookmarks while nothing changes, 1000 to 3600000; two and a half of them without any event mean that the connection is dead. @default 15000 */
  readonly bookmarkMs?: number;
}

/** What to wait for. "outputComplete" and "treeGone" include "exited". */
export type WaitCondition = "exited" | "outputComplete" | "treeGone";

/** How to wait. */
export interface WaitOptions extends CallOptions, ReconnectOptions {
  /**
   * - `"exited"`: the main process has ended, or the run failed or was lost
   * - `"outputComplete"`: and every writer has closed the output
   * - `"treeGone"`: and no descendant lives
   *
   * @default "exited"
   */
  readonly until?: WaitCondition;
  /** The run to wait for; a run that was followed by another one meets every condition. @default the current one */
  readonly run?: number;
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

/** How to read output at once. */
export interface OutputReadOptions extends OutputOptions {
  /** How many bytes to look at, over all streams, at most 4 MiB. @default 1 MiB */
  readonly maxBytes?: number;
}

/** A piece of output, read at one moment. */
export interface OutputRead {
  readonly run: number;
  /** In order of offset. */
  readonly chunks: readonly OutputChunk[];
  /** What is missing before the first chunk. */
  readonly gap?: OutputGap;
  /** Where the next read would begin. */
  readonly nextOffset: number;
  /** The run's output at the moment of the read. */
  readonly output: OutputInfo;
}

/** Output from offset `from` up to, not including, `to` that was evicted before it could be read. */
export interface OutputGap {
  readonly from: number;
  readonly to: number;
}

/** How to stream output. */
export interface StreamOptions extends OutputOptions, ReconnectOptions {
  /** Go on until the output is complete. @default false */
  readonly follow?: boolean;
  /** Go on with the next run when the process is restarted. Needs `follow`. @default false */
  readonly followRestarts?: boolean;
  /** Milliseconds between heartbeats while nothing else comes, 1000 to 3600000; two and a half of them without any frame mean that the connection is dead. @default 15000 */
  readonly heartbeatMs?: number;
}

/** A change of the connection behind a stream. */
export type ConnectionEvent =
  | { readonly type: "disconnected"; readonly error: PmError; readonly attempt: number; readonly retryInMs: number }
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
  | ({ readonly type: "gap" } & OutputGap)
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
export interface StatsOptions extends CallOptions, ReconnectOptions {
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

/** How to write to a process's standard input. */
export interface WriteOptions extends CallOptions {
  /** Close standard input after the data; on a terminal, send the end-of-file character. @default false */
  readonly close?: boolean;
}

/** How to remove. */
export interface RemoveOptions extends CallOptions {
  /** Kill the whole tree first if it lives. @default false */
  readonly force?: boolean;
}

/** What to prune. */
export interface PruneOptions extends CallOptions {
  /** Selects among the ended processes. @default all of them */
  readonly filter?: ProcessFilter;
  /** Spare processes that ended less than this many milliseconds ago. @default 0 */
  readonly olderThanMs?: number;
  /** Say what would be removed, and remove nothing. @default false */
  readonly dryRun?: boolean;
}

/** What was pruned. */
export interface PruneResult {
  /** UUIDs. */
  readonly ids: readonly string[];
  readonly freedBytes: number;
}

/** What a daemon is and what it allows. */
export interface DaemonInfo {
  readonly version: string;
  /** A UUID made anew at each start of the daemon. */
  readonly instanceId: string;
  readonly pid: number;
  readonly startTime: Date;
  readonly hostname: string;
  readonly runtimeDirectory: string;
  readonly defaultOutputLimitBytes: number;
  readonly maxOutputLimitBytes: number;
  readonly maxProcesses: number;
  readonly counts: Readonly<Record<ProcessState, number>>;
  /** Whether the tree limits (memory, cpu, processes) can be enforced there. */
  readonly cgroupLimits: boolean;
  /** Version of its Node.js. */
  readonly runtimeVersion: string;
}

/** How to shut the daemon down. */
export interface ShutdownOptions extends CallOptions {
  /** Stop every process first, by force after the grace period. @default false: processes run on */
  readonly stopProcesses?: boolean;
  /** Milliseconds the processes have to end, with `stopProcesses`. @default each process's own stop policy */
  readonly graceMs?: number;
}
