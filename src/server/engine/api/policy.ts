/**
 * What a spec says about supervision (`ProcessSpec` 40 to 59 of the contract).
 * The engine keeps it with the spec and reads nothing of it: deciding is
 * `server/supervision`'s. Null and empty mean "not said"; the defaults stand in
 * the contract's comments.
 */
export interface SupervisionPolicy {
  readonly restart: RestartPolicy | null;
  readonly readiness: Probe | null;
  readonly liveness: Probe | null;
  readonly dependsOn: readonly Dependency[];
  /** Empty: none. */
  readonly queue: string;
  readonly maxRunMs: number | null;
  readonly stopCommand: Command | null;
  readonly hooks: readonly Hook[];
  /** Empty: 0 alone. */
  readonly successCodes: readonly number[];
}

export interface Command {
  readonly executable: string;
  readonly args: readonly string[];
}

export type RestartMode = "no" | "onFailure" | "unlessStopped" | "always";

export interface RestartPolicy {
  readonly mode: RestartMode;
  readonly maxAttempts: number | null;
  readonly windowMs: number | null;
  readonly backoff: Backoff;
  readonly stableMs: number | null;
  readonly memoryBytes: number | null;
}

export interface Backoff {
  readonly initialMs: number | null;
  readonly maxMs: number | null;
  readonly multiplier: number | null;
  readonly jitter: number | null;
}

export type Check =
  | { readonly kind: "exec"; readonly command: Command }
  | {
      readonly kind: "http";
      /** Empty: 127.0.0.1. */
      readonly host: string;
      readonly port: number;
      /** Empty: /. */
      readonly path: string;
      readonly tls: boolean;
      readonly headers: Readonly<Record<string, string>>;
      /** Empty: 200 to 399. */
      readonly statusCodes: readonly number[];
    }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "output"; readonly pattern: string }
  | { readonly kind: "notify"; readonly watchdogMs: number | null };

export interface Probe {
  readonly check: Check;
  readonly startPeriodMs: number | null;
  readonly intervalMs: number | null;
  readonly timeoutMs: number | null;
  readonly successThreshold: number | null;
  readonly failureThreshold: number | null;
}

export type DependencyCondition = "started" | "ready" | "completed" | "completedSuccessfully";

export interface Dependency {
  /** A name or a UUID. */
  readonly process: string;
  readonly condition: DependencyCondition;
}

export type HookEvent = "started" | "ready" | "unhealthy" | "exited" | "givenUp";

export interface Hook {
  readonly events: readonly HookEvent[];
  readonly command: Command;
  readonly timeoutMs: number | null;
}
