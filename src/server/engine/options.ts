import { userInfo } from "node:os";
import { type Clock, systemClock } from "./clock.ts";
import type { JournalLimits } from "./history/journal.ts";
import { type HardLimits, ownHardLimits } from "./limits/rlimits.ts";
import type { EngineLogger } from "./logger.ts";

/** How long ended processes stay listed. */
export interface Retention {
  /** How many ended processes are kept. Default: 1000. */
  readonly count: number;
  /** Milliseconds since the end of a process. Default: 7 days. */
  readonly ageMs: number;
  /** Memory that ended runs may hold together; the oldest go first. Default: 256 MiB. */
  readonly bytes: number;
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
  readonly retention?: Partial<Retention>;
  /** How many runs of each process are kept, the current one included. Default: 5. */
  readonly keptRuns?: number;
  /** Default: 4 MiB and 50,000 entries. */
  readonly journal?: Partial<JournalLimits>;
  /** Milliseconds that a start may wait for the zygote. Default: 30 seconds. */
  readonly startLimitMs?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
  /**
   * A writable cgroup v2 directory with delegated controllers, for limits of
   * memory, processor time and tasks. `null`: none. Default: detected.
   */
  readonly cgroupRoot?: string | null;
  /** Default: none. */
  readonly logger?: EngineLogger;
  /**
   * What processes inherit. Default: HOME, USER, LOGNAME, SHELL, PATH and LANG,
   * the same whoever started the daemon: the first shell's secrets are nobody
   * else's.
   */
  readonly environment?: Readonly<Record<string, string>>;
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
  retention: { count: 1000, ageMs: 7 * 24 * 3600 * 1000, bytes: 256 * 1024 * 1024 },
  keptRuns: 5,
  journal: { bytes: 4 * 1024 * 1024, entries: 50_000 },
  graceMs: 10_000,
  startLimitMs: 30_000,
} as const;

const silentLogger: EngineLogger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

/** Options with every default filled in. */
export interface ResolvedOptions extends Required<EngineOptions> {
  readonly retention: Retention;
  readonly journal: JournalLimits;
  readonly defaultGraceMs: number;
  /** Above which no process of this daemon can be. */
  readonly hardLimits: HardLimits;
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
    retention: { ...defaults.retention, ...options.retention },
    keptRuns: Math.max(1, options.keptRuns ?? defaults.keptRuns),
    journal: { ...defaults.journal, ...options.journal },
    startLimitMs: options.startLimitMs ?? defaults.startLimitMs,
    clock: options.clock ?? systemClock,
    cgroupRoot,
    logger: options.logger ?? silentLogger,
    environment: options.environment ?? loginEnvironment(),
    hardLimits: ownHardLimits(),
    home: options.home ?? (process.env["HOME"] || account().homedir),
    defaultGraceMs: defaults.graceMs,
  };
}

/** The entry of passwd(5). Containers often run as a user that has none. */
function account(): { username: string; homedir: string; shell: string | null; uid: number } {
  try {
    return userInfo();
  } catch {
    const uid = process.getuid?.() ?? 0;
    return { username: String(uid), homedir: "/", shell: null, uid };
  }
}

/** What a login would give this user, and no more. */
function loginEnvironment(): Record<string, string> {
  const { username, homedir: home, shell, uid } = account();
  const path = "/usr/local/bin:/usr/bin:/bin";
  return {
    HOME: home,
    USER: username,
    LOGNAME: username,
    SHELL: shell ?? "/bin/sh",
    PATH: uid === 0 ? `/usr/local/sbin:/usr/sbin:/sbin:${path}` : path,
    LANG: process.env["LANG"] ?? "C.UTF-8",
  };
}
