/** What supervision is to make of a process; see `policy.proto`. Times are milliseconds, sizes bytes. */

/** A command, executed directly, without a shell. */
export interface Command {
  readonly executable: string;
  /** @default [] */
  readonly args?: readonly string[];
}

/**
 * After which ends the process is started again. Nothing is after a stop that a client asked for. At boot `"always"`
 * starts stopped processes too, `"unlessStopped"` does not.
 */
export type RestartMode = "no" | "onFailure" | "unlessStopped" | "always";

/** When and how often a process that ended is started again. */
export interface RestartPolicy {
  /** After which ends. */
  readonly mode: RestartMode;
  /** Restarts in a row, or within `windowMs`, then it is given up; 0: at once. @default no bound */
  readonly maxAttempts?: number;
  /** Milliseconds within which attempts are counted, 1 second to 30 days. @default all since a run last was stable */
  readonly windowMs?: number;
  /** How long to wait before each attempt. @default that of {@link Backoff} */
  readonly backoff?: Backoff;
  /** Milliseconds that a run lasts for the attempts before it to be forgotten, up to 24 hours. @default 10000 */
  readonly stableMs?: number;
  /** Restart when the tree's resident memory is above this, in bytes. Sampled every 5 seconds. @default no bound */
  readonly memoryBytes?: number;
}

/** How long to wait before an attempt. */
export interface Backoff {
  /** Milliseconds before the first attempt, up to 24 hours. @default 1000 */
  readonly initialMs?: number;
  /** Milliseconds at the most, `initialMs` to 24 hours. @default 60000, or `initialMs` if that is longer */
  readonly maxMs?: number;
  /** How many times as long before each further attempt, 1 to 100. @default 2 */
  readonly multiplier?: number;
  /** The share of the delay by which it is varied at random, 0 to 1. @default 0.1 */
  readonly jitter?: number;
}

/** How to find out whether a process is ready, or healthy. */
export type Check =
  | { readonly kind: "exec"; readonly command: Command }
  | {
      readonly kind: "http";
      /** @default "127.0.0.1" */
      readonly host?: string;
      readonly port: number;
      /** @default "/" */
      readonly path?: string;
      readonly tls?: boolean;
      readonly headers?: Readonly<Record<string, string>>;
      /** @default 200 to 399 */
      readonly statusCodes?: readonly number[];
    }
  | { readonly kind: "tcp"; readonly host?: string; readonly port: number }
  /** A line of the output matches this RE2 pattern. */
  | { readonly kind: "output"; readonly pattern: string }
  /** The process says so itself: sd_notify(3). */
  | { readonly kind: "notify"; readonly watchdogMs?: number };

/** A check, and how often it is made. */
export interface Probe {
  /** What is asked. */
  readonly check: Check;
  /** Milliseconds after the start in which failures do not count, up to 24 hours; a success ends it. @default 0 */
  readonly startPeriodMs?: number;
  /**
   * Milliseconds from one check to the next, 100 to 24 hours.
   *
   * @default 10000; 1000, or this if it is shorter, while a readiness probe has not succeeded yet
   */
  readonly intervalMs?: number;
  /** Milliseconds that one check may take, 10 to 1 hour. @default 5000 */
  readonly timeoutMs?: number;
  /** How many successes in a row are a success, 1 to 100. @default 1 */
  readonly successThreshold?: number;
  /** How many failures in a row are a failure, 1 to 100. @default 3 */
  readonly failureThreshold?: number;
}

/** How far another process must have come. */
export type DependencyCondition = "started" | "ready" | "completed" | "completedSuccessfully";

/** Another process that must have come so far before a run may begin. */
export interface Dependency {
  /** Its name or UUID. */
  readonly process: string;
  /** @default "started" */
  readonly condition?: DependencyCondition;
}

/** What a hook is run for. */
export type HookEvent = "started" | "ready" | "unhealthy" | "exited" | "givenUp";

/** A command that is run beside a process when something happens to it. */
export interface Hook {
  readonly events: readonly HookEvent[];
  readonly command: Command;
  /** Milliseconds. @default 30000 */
  readonly timeoutMs?: number;
}

/** The fields of a spec that supervision reads. */
export interface PolicyOptions {
  /** @default never */
  readonly restart?: RestartPolicy;
  /** @default none: it is ready when it runs */
  readonly readiness?: Probe;
  /** Failures restart it by its restart policy. @default none */
  readonly liveness?: Probe;
  /** @default [] */
  readonly dependsOn?: readonly Dependency[];
  /** The queue in which it waits for its turn. @default none */
  readonly queue?: string;
  /** Milliseconds; a run that lasts longer is stopped, and has failed. @default no limit */
  readonly maxRunMs?: number;
  /** Run in place of the stop signal; what is left after the grace period is killed. @default none */
  readonly stopCommand?: Command;
  /** @default [] */
  readonly hooks?: readonly Hook[];
  /** Exit codes that mean success. @default [0] */
  readonly successCodes?: readonly number[];
}

/** What a process in the state "waiting" waits for. */
export type WaitingReason = "restart" | "dependency" | "schedule" | "queue" | "unknown";

/** What its policies make of a process at present. */
export interface SupervisionStatus {
  /** Undefined: it does not wait. */
  readonly waiting?: {
    readonly reason: WaitingReason;
    /** Undefined: not known. */
    readonly until?: Date;
    /** Names, or UUIDs of what has none. */
    readonly for: readonly string[];
    /** For people. */
    readonly detail: string;
  };
  /** Which attempt it waits for or is in; 0: the latest run was stable. */
  readonly attempt: number;
  /** 0: no bound. */
  readonly maxAttempts: number;
  /** Restarts since somebody last started it. */
  readonly restarts: number;
  /** Undefined: no such probe, or it does not run. */
  readonly readiness?: "notReady" | "ready";
  readonly health?: "unknown" | "healthy" | "unhealthy";
  /** Why a probe last failed; empty: none did. */
  readonly probeMessage: string;
  /** The latest STATUS= that it sent. */
  readonly notifyStatus: string;
  /** From 1; 0: it does not wait in a queue. */
  readonly queuePosition: number;
  /** Empty: none. */
  readonly project: string;
  /** Empty: none. */
  readonly schedule: string;
}
