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

/** When and how often a process that ended is started again. Defaults: those of `RestartPolicy` in the contract. */
export interface RestartPolicy {
  readonly mode: RestartMode;
  /** Restarts within `windowMs`, then it is given up; 0: at once. @default no bound */
  readonly maxAttempts?: number;
  readonly windowMs?: number;
  readonly backoff?: Backoff;
  /** How long a run lasts that ends the backoff. */
  readonly stableMs?: number;
  /** Restart when the tree's resident memory is above this. */
  readonly memoryBytes?: number;
}

/** How long to wait before an attempt. */
export interface Backoff {
  readonly initialMs?: number;
  readonly maxMs?: number;
  /** 1 to 100. */
  readonly multiplier?: number;
  /** The share of the delay that is random, 0 to 1. */
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

/** A check, and how often it is made. Defaults: those of `Probe` in the contract. */
export interface Probe {
  readonly check: Check;
  readonly startPeriodMs?: number;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly successThreshold?: number;
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
  /** @default 30000 */
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
  /** A run that lasts longer is stopped, and has failed. @default no limit */
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
