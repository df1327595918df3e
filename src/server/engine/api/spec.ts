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
