/** What the engine needs of a logger; pino's fits. */
export interface EngineLogger {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

/** How long ended processes stay listed. */
export interface Retention {
  /** How many ended processes are kept. Default: 1000. */
  readonly count: number;
  /** Milliseconds since the end of a process. Default: 7 days. */
  readonly ageMs: number;
}

export interface EngineOptions {
  /** Absolute path of a directory that passed `prepareRuntimeDirectory`. */
  readonly runtimeDir: string;
  /** Absolute path of the `pm-shim` executable. */
  readonly shimPath: string;
  /** Default: 1 MiB. */
  readonly defaultOutputLimitBytes?: number;
  /** Default: 1 GiB. */
  readonly maxOutputLimitBytes?: number;
  /** How many processes may be listed at once, ended ones included. Default: 20,000. */
  readonly maxProcesses?: number;
  readonly retention?: Retention;
  /**
   * A writable cgroup v2 directory with delegated controllers, for limits of
   * memory, processor time and tasks. `null`: none. Default: detected.
   */
  readonly cgroupRoot?: string | null;
  /** Default: none. */
  readonly logger?: EngineLogger;
  /** What processes inherit. Default: `process.env` without the daemon's own PM_ variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Working directory of processes that name none. Default: the user's home directory. */
  readonly home?: string;
}

/** Another daemon holds the runtime directory. */
export class DaemonRunningError extends Error {
  override readonly name = "DaemonRunningError";
  readonly runtimeDir: string;

  constructor(runtimeDir: string) {
    super(`Another pm daemon already serves ${runtimeDir}: use that one, or choose another runtime directory.`);
    this.runtimeDir = runtimeDir;
  }
}

export const defaults = {
  outputLimitBytes: 1024 * 1024,
  maxOutputLimitBytes: 1024 * 1024 * 1024,
  maxProcesses: 20_000,
  retention: { count: 1000, ageMs: 7 * 24 * 3600 * 1000 },
  graceMs: 10_000,
} as const;

export const silentLogger: EngineLogger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};
