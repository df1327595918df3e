/**
 * What a project file comes to: what the SDK sends to ApplyProject. Durations
 * are milliseconds, sizes bytes; undefined: not said, the contract's default.
 */
export interface ProjectDescription {
  readonly name: string;
  /** Where it came from, for people. */
  readonly source: string;
  readonly processes: readonly ProcessDescription[];
  readonly queues: readonly QueueDescription[];
  readonly schedules: readonly ScheduleDescription[];
}

export interface ProcessDescription {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: SpecDescription;
  readonly replicas?: number;
  readonly stopped: boolean;
}

export interface SpecDescription {
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly output?: { readonly limitBytes?: number; readonly whenFull?: "dropOldest" | "allowHold" };
  readonly stdin?: "null" | "pipe";
  readonly terminal?: { readonly rows: number; readonly columns: number };
  readonly limits?: LimitsDescription;
  readonly stop?: { readonly signal?: string; readonly graceMs?: number };
  readonly umask?: number;
  readonly nice?: number;
  readonly oomScoreAdj?: number;
  readonly restart?: RestartDescription;
  readonly readiness?: ProbeDescription;
  readonly liveness?: ProbeDescription;
  readonly dependsOn?: readonly DependencyDescription[];
  readonly queue?: string;
  readonly maxRunMs?: number;
  readonly stopCommand?: CommandDescription;
  readonly hooks?: readonly HookDescription[];
  readonly successCodes?: readonly number[];
}

export interface LimitsDescription {
  readonly memoryBytes?: number;
  readonly cpuMillis?: number;
  readonly processes?: number;
  readonly rlimits?: readonly { readonly resource: string; readonly soft?: bigint; readonly hard?: bigint }[];
}

export interface CommandDescription {
  readonly executable: string;
  readonly args: readonly string[];
}

export interface RestartDescription {
  readonly mode: "no" | "onFailure" | "unlessStopped" | "always";
  readonly maxAttempts?: number;
  readonly windowMs?: number;
  readonly backoff?: {
    readonly initialMs?: number;
    readonly maxMs?: number;
    readonly multiplier?: number;
    readonly jitter?: number;
  };
  readonly stableMs?: number;
  readonly memoryBytes?: number;
}

export type CheckDescription =
  | { readonly kind: "exec"; readonly command: CommandDescription }
  | {
      readonly kind: "http";
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly tls: boolean;
      readonly headers?: Readonly<Record<string, string>>;
      readonly statusCodes?: readonly number[];
    }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "output"; readonly pattern: string }
  | { readonly kind: "notify"; readonly watchdogMs?: number };

export interface ProbeDescription {
  readonly check: CheckDescription;
  readonly startPeriodMs?: number;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

export type DependencyCondition = "started" | "ready" | "completed" | "completedSuccessfully";

export interface DependencyDescription {
  readonly process: string;
  readonly condition: DependencyCondition;
}

export type HookEvent = "started" | "ready" | "unhealthy" | "exited" | "givenUp";

export interface HookDescription {
  readonly events: readonly HookEvent[];
  readonly command: CommandDescription;
  readonly timeoutMs?: number;
}

export interface QueueDescription {
  readonly name: string;
  readonly parallelism?: number;
  readonly paused?: boolean;
}

export interface ScheduleDescription {
  readonly name: string;
  readonly process: string;
  readonly timing:
    | { readonly kind: "cron"; readonly expression: string }
    | { readonly kind: "every"; readonly ms: number }
    | { readonly kind: "boot" };
  readonly timeZone?: string;
  readonly overlap?: "skip" | "queue" | "replace";
  readonly catchUp?: "skip" | "once" | "all";
}
