import type { SupervisionPolicy } from "./policy.ts";

/**
 * What to run and how. Text that is not UTF-8 is bytes: a `Uint8Array` stands
 * only where the bytes are no valid UTF-8, so that equal specs are equal.
 * Offsets and sizes are bytes; exact up to 2^53.
 */
export interface ProcessSpec {
  readonly executable: Text;
  readonly args: readonly Text[];
  /** In the order given; each name once. */
  readonly env: readonly EnvironmentVariable[];
  readonly envMode: "extend" | "replace";
  /** Absolute; empty: the daemon user's home directory. */
  readonly cwd: Text;
  readonly output: OutputPolicy;
  readonly stdin: "null" | "pipe";
  readonly terminal: TerminalSize | null;
  readonly limits: Limits;
  readonly stop: StopPolicy;
  /** 0 to 0o777; null: 022. */
  readonly umask: number | null;
  /** -20 to 19; null: 0. */
  readonly nice: number | null;
  /** -1000 to 1000; null: 0. */
  readonly oomScoreAdj: number | null;
  /** Undefined: none. Kept with the spec as it is; a change of it alone needs no new run. */
  readonly policy?: SupervisionPolicy | undefined;
}

/** A string, or the bytes of one that is not UTF-8. */
export type Text = string | Uint8Array;

export interface EnvironmentVariable {
  readonly name: Text;
  readonly value: Text;
}

export interface OutputPolicy {
  /** 0: the engine's default. */
  readonly limitBytes: number;
  readonly whenFull: "dropOldest" | "allowHold";
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

/** Those that the kernel enforces for a whole tree, through its cgroup. */
export type TreeLimits = Omit<Limits, "rlimits">;

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

/** A program with everything else at its default. */
export function plainSpec(executable: Text, args: readonly Text[] = []): ProcessSpec {
  return {
    executable,
    args,
    env: [],
    envMode: "extend",
    cwd: "/",
    output: { limitBytes: 0, whenFull: "dropOldest" },
    stdin: "null",
    terminal: null,
    limits: { rlimits: [], memoryBytes: null, cpuMillis: null, processes: null },
    stop: { signal: "", graceMs: null },
    umask: null,
    nice: null,
    oomScoreAdj: null,
  };
}
