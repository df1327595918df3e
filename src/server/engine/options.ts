import { homedir } from "node:os";

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
  /** The soft limit of open files that processes get. Default: the daemon's, which Node.js raises to the hard one. */
  readonly openFiles?: number | undefined;
  /** Working directory of processes that name none. Default: the user's home directory. */
  readonly home?: string;
}

/** Another daemon holds the runtime directory. */
export class DaemonRunningError extends Error {
  override readonly name = "DaemonRunningError";
  readonly runtimeDir: string;

  constructor(runtimeDir: string) {
    super(`another pm daemon already serves ${runtimeDir}: use that one, or choose another runtime directory`);
    this.runtimeDir = runtimeDir;
  }
}

const defaults = {
  outputLimitBytes: 1024 * 1024,
  maxOutputLimitBytes: 1024 * 1024 * 1024,
  maxProcesses: 20_000,
  retention: { count: 1000, ageMs: 7 * 24 * 3600 * 1000 },
  graceMs: 10_000,
} as const;

const silentLogger: EngineLogger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

/** Options with every default filled in. */
export interface ResolvedOptions extends Required<EngineOptions> {
  readonly defaultGraceMs: number;
}

export function resolveOptions(options: EngineOptions, cgroupRoot: string | null): ResolvedOptions {
  const maxOutputLimitBytes = options.maxOutputLimitBytes ?? defaults.maxOutputLimitBytes;
  return {
    runtimeDir: options.runtimeDir,
    shimPath: options.shimPath,
    maxOutputLimitBytes,
    defaultOutputLimitBytes: Math.min(
      options.defaultOutputLimitBytes ?? defaults.outputLimitBytes,
      maxOutputLimitBytes,
    ),
    maxProcesses: options.maxProcesses ?? defaults.maxProcesses,
    retention: options.retention ?? defaults.retention,
    cgroupRoot,
    logger: options.logger ?? silentLogger,
    environment: options.environment ?? inheritedEnvironment(),
    openFiles: options.openFiles,
    home: options.home ?? homedir(),
    defaultGraceMs: defaults.graceMs,
  };
}

/** Variables named PM_… configure the daemon and its clients; processes get the others. */
function inheritedEnvironment(): Record<string, string> {
  const inherited: Record<string, string> = {};
  for (const [key, value] of Object.entries(process.env)) {
    if (value !== undefined && !key.startsWith("PM_")) inherited[key] = value;
  }
  return inherited;
}
