/** What to run and how. */
import type { PolicyOptions } from "./policy.ts";

/**
 * Text, or bytes where it may not be UTF-8: on Linux, names and arguments are bytes. Bytes that are UTF-8 mean the same
 * as their text.
 */
export type TextOrBytes = string | Uint8Array;

/** A POSIX resource limit, in the resource's own unit. */
export interface ResourceLimit {
  /** As in getrlimit(2), lower case, without "RLIMIT_": "nofile", "core", … */
  readonly resource: string;
  /** What the kernel enforces. @default unlimited */
  readonly soft?: bigint;
  /** The ceiling for `soft`. @default unlimited */
  readonly hard?: bigint;
}

/** What a process may use. */
export interface Limits {
  /** Each resource at most once. @default fixed ones for each resource, see `Limits.rlimits` in the contract */
  readonly rlimits?: readonly ResourceLimit[];
  /** Memory of the whole tree, bytes. Needs cgroup v2. @default no limit */
  readonly memoryBytes?: number;
  /** Processor time of the whole tree, thousandths of one processor. Needs cgroup v2. @default no limit */
  readonly cpuMillis?: number;
  /** Tasks of the whole tree. Needs cgroup v2. @default no limit */
  readonly processes?: number;
}

/** A terminal's size in character cells, each 1 to 65535. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/**
 * What happens when a run's output reaches its limit:
 *
 * - `"dropOldest"`: the oldest bytes are dropped, whoever reads
 * - `"allowHold"`: the same, unless a stream asks to hold: then the process's writes block, as on a full pipe, until
 *   that stream has taken the bytes
 */
export type OutputFullMode = "dropOldest" | "allowHold";

/** How much of a run's output is kept. */
export interface OutputPolicy {
  /** Bytes, at least 4096. @default the daemon's default, 1 MiB */
  readonly limitBytes?: number;
  /** @default "dropOldest" */
  readonly whenFull?: OutputFullMode;
}

/** How a stop ends a process. */
export interface StopPolicy {
  /** What is sent first, by name or number. @default "SIGTERM" */
  readonly signal?: string | number;
  /** Milliseconds that the tree has to end, at most 24 hours. @default 10000 */
  readonly graceMs?: number;
}

/** Environment variables by name, or as pairs (a `Map` too) where a name may not be UTF-8. */
export type EnvironmentOptions =
  | Readonly<Record<string, TextOrBytes>>
  | Iterable<readonly [name: TextOrBytes, value: TextOrBytes]>;

/** What to run and how. */
export interface SpecOptions extends PolicyOptions {
  /** A path (a relative one is resolved in `cwd`), or a name looked up in the process's PATH. 1 to 4095 bytes. */
  readonly executable: TextOrBytes;
  /** Arguments after argv[0], verbatim. No shell is involved. @default [] */
  readonly args?: readonly TextOrBytes[];
  /** Environment variables. @default {} */
  readonly env?: EnvironmentOptions;
  /** Whether `env` is laid over the daemon's small, fixed environment for processes or replaces it. @default "extend" */
  readonly envMode?: "extend" | "replace";
  /** Absolute path of the working directory. @default the home directory of the daemon's user */
  readonly cwd?: TextOrBytes;
  /** How much output is kept. @default 1 MiB, dropping the oldest */
  readonly output?: OutputPolicy;
  /** Standard input: /dev/null, or a pipe that `write` fills. @default "null" */
  readonly stdin?: "null" | "pipe";
  /** Give it a pseudo-terminal of this size. @default none */
  readonly terminal?: TerminalSize;
  /** @default no limits but the fixed ones */
  readonly limits?: Limits;
  /** How a stop ends it. @default SIGTERM, 10 seconds */
  readonly stop?: StopPolicy;
  /** File mode creation mask, 0 to 0o777. @default 0o022 */
  readonly umask?: number;
  /** Scheduling priority, -20 to 19; below 0 needs a privilege. @default 0 */
  readonly nice?: number;
  /** Badness for the out-of-memory killer, -1000 to 1000; lowering it may need a privilege. @default 0 */
  readonly oomScoreAdj?: number;
}

/** One environment variable of which name or value is not UTF-8. */
export interface EnvironmentBytes {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * What was asked for, as the daemon answers it. Undefined: not asked for, so that the default applies; what took effect
 * is in `RunInfo.effective`. Bytes are given only where they are not UTF-8.
 */
export interface ProcessSpec extends PolicyOptions {
  readonly executable: TextOrBytes;
  readonly args: readonly TextOrBytes[];
  /** Empty unless asked for with `{ env: true }`. */
  readonly env: Readonly<Record<string, string>>;
  /** Variables that are not UTF-8. Empty unless asked for with `{ env: true }`. */
  readonly envBytes: readonly EnvironmentBytes[];
  readonly envMode: "extend" | "replace";
  readonly cwd?: TextOrBytes;
  readonly output: { readonly limitBytes?: number; readonly whenFull: OutputFullMode };
  readonly stdin: "null" | "pipe";
  readonly terminal?: TerminalSize;
  readonly limits: Limits;
  readonly stop: { readonly signal?: string; readonly graceMs?: number };
  readonly umask?: number;
  readonly nice?: number;
  readonly oomScoreAdj?: number;
}
