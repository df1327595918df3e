/** What supervision needs of the engine besides what every client can do. */
import type { Cause } from "./cause.ts";
import type { RequestContext, StartRequest } from "./control.ts";
import type { Engine } from "./engine.ts";
import type { Command } from "./policy.ts";
import type { DesiredState, ProcessInfo } from "./process.ts";
import type { ProcessSpec } from "./spec.ts";

export type WaitingReason = "restart" | "dependency" | "schedule" | "queue";
export type Readiness = "notReady" | "ready";
export type Health = "unknown" | "healthy" | "unhealthy";

/**
 * What supervision keeps with a process: shown to clients, and all that a next
 * daemon needs to go on. The engine keeps it on record with the process and
 * changes nothing in it. Times are milliseconds since the epoch.
 */
export interface Supervision {
  /** Null: it does not wait. */
  readonly waiting: Waiting | null;
  /** The restart policy's memory. */
  readonly attempts: AttemptHistory;
  /** The run that what follows up to `notifyStatus` is about; of another one it says nothing. */
  readonly run: number;
  /** Null: no such probe. */
  readonly readiness: Readiness | null;
  readonly health: Health | null;
  readonly probeMessage: string;
  readonly notifyStatus: string;
  /** Empty: none. */
  readonly project: string;
  readonly schedule: string;
  /** Why supervision itself is stopping the current run, which then counts as failed; null: it is not. */
  readonly stopping: { readonly run: number; readonly cause: Cause } | null;
}

export interface Waiting {
  readonly reason: WaitingReason;
  /** Null: not known. */
  readonly until: number | null;
  /** Names, or UUIDs of what has none. */
  readonly for: readonly string[];
  /** What is still missing, for people; may be empty. */
  readonly why: string;
  /** Why the next run is to begin: the cause that it gets. */
  readonly cause: Cause;
  /** When the waiting began; the order in a queue. */
  readonly since: number;
}

export interface AttemptHistory {
  /** Restarts since the last stable run. */
  readonly streak: number;
  /** When the latest restarts were, at most as many as the policy counts. */
  readonly times: readonly number[];
  /** Restarts since somebody last started it. */
  readonly restarts: number;
}

export const noAttempts: AttemptHistory = { streak: 0, times: [], restarts: 0 };

/** Of a process about which nobody has decided anything yet. */
export const nothingKept: Supervision = {
  waiting: null,
  attempts: noAttempts,
  run: 0,
  readiness: null,
  health: null,
  probeMessage: "",
  notifyStatus: "",
  project: "",
  schedule: "",
  stopping: null,
};

export const supervisionEventTypes = [
  "waiting",
  "ready",
  "notReady",
  "healthy",
  "unhealthy",
  "hookFailed",
  "scheduleSkipped",
  "projectApplied",
  "projectRemoved",
] as const;
export type SupervisionEventType = (typeof supervisionEventTypes)[number];

export interface SupervisionEventDetail {
  /** Null: about none. */
  readonly attempt: number | null;
  /** Milliseconds since the epoch; null: not known. */
  readonly until: number | null;
  /** Empty: about none. */
  readonly schedule: string;
  readonly queue: string;
  readonly project: string;
}

/** A change of what supervision keeps with a process. */
export interface SupervisionChange {
  readonly supervision: Supervision;
  /**
   * What the process's state becomes: "waiting" and "givenUp" only while no run is under way; null: that of its run
   * ("exited" if it has had none). Undefined: it stays.
   */
  readonly state?: "waiting" | "givenUp" | null | undefined;
  /** Undefined: it stays. */
  readonly desiredState?: DesiredState | undefined;
  /** Null: the journal says nothing, unless the state changes. */
  readonly event: { readonly type: SupervisionEventType; readonly detail: SupervisionEventDetail } | null;
  readonly cause: Cause;
}

/** What sd_notify(3) said, as a shim passes it on. */
export interface NotifyMessage {
  readonly id: string;
  readonly run: number;
  readonly ready: boolean;
  readonly stopping: boolean;
  /** How many milliseconds ago it last said WATCHDOG=1; null: not since the message before. */
  readonly watchdog: number | null;
  /** Null: it said none. */
  readonly status: string | null;
}

export interface CommandResult {
  /** Null: it was killed, or could not be executed. */
  readonly code: number | null;
  readonly timedOut: boolean;
  /** The first bytes of its output, standard output and error together. */
  readonly output: Uint8Array;
  /** Empty: it was executed. */
  readonly problem: string;
}

/** Asked by the engine, synchronously; none of it may throw. */
export interface SupervisionHook {
  /**
   * A run has ended, failed or was lost, and nothing was published of it yet:
   * what the process is to become is published with it. Null: nothing restarts
   * it, and its desired state becomes "stopped". Not asked for a first run that `start` reports as
   * failed: nothing is left of it.
   */
  runEnded(process: ProcessInfo): SupervisionChange | null;
  /** Whether an ended process may go because others need room, by retention or by `prune`. */
  mayRemove(process: ProcessInfo): boolean;
  /** A process has said something over its NOTIFY_SOCKET. WATCHDOG=1 alone wakes nobody: `get` finds it. */
  notified(message: NotifyMessage): void;
}

/**
 * A stop or restart whose RequestContext has a cause of another kind than
 * "request" and "project" leaves the desired state as it is.
 */
export interface SupervisedEngine extends Engine {
  /** Once, before anything else is called. Runs that ended while nobody watched are reported by `runEnded` at once. */
  supervise(hook: SupervisionHook): void;
  /** As `start`, but no run begins: the process is in the state that `change` says. */
  create(
    request: StartRequest,
    change: SupervisionChange,
    context: RequestContext,
  ): Promise<{ process: ProcessInfo; existing: boolean }>;
  /**
   * Begins the next run of a process that has none under way and is meant to
   * run. It resolves when the program was executed.
   *
   * @param change What is kept with it from then on, asked for in the turn in
   *   which the run begins: until then it may change.
   * @throws EngineError START_FAILED (the run is then FAILED, and `runEnded` was
   *   asked), NAME_IN_USE, STILL_RUNNING; CONDITION_FAILED if it is meant to be
   *   stopped
   */
  startRun(id: string, change: (process: ProcessInfo) => Supervision, cause: Cause): Promise<ProcessInfo>;
  /**
   * Puts a change on record; it is there when this returns.
   *
   * @throws EngineError PROCESS_NOT_FOUND; CONDITION_FAILED if `run` is no longer the current run
   */
  setSupervision(id: string, run: number, change: SupervisionChange): ProcessInfo;
  /**
   * A spec as the engine keeps it, its defaults filled in, so that what is there can be compared to what is asked for.
   *
   * @throws EngineError INVALID_ARGUMENT, LIMIT_EXCEEDED
   */
  normalized(spec: ProcessSpec): ProcessSpec;
  /** Puts an entry in the journal that is about no process. */
  record(type: SupervisionEventType, detail: SupervisionEventDetail, cause: Cause): void;
  /** Whether an entry of this type about this project is in the journal that is due to this very request. */
  wasRecorded(type: SupervisionEventType, project: string, request: Pick<Cause, "principal" | "requestId">): boolean;
  /**
   * Runs a command with the process's user, environment and directory, forked
   * by the zygote; it never throws. Its tree is killed when the time is over or
   * the signal aborts.
   */
  runCommand(
    id: string,
    command: Command,
    options: {
      readonly env: Readonly<Record<string, string>>;
      readonly timeoutMs: number;
      readonly maxOutputBytes: number;
    },
    signal: AbortSignal,
  ): Promise<CommandResult>;
  /** The resident memory of the trees of these processes in bytes; ended ones are left out. */
  residentMemory(ids: readonly string[]): ReadonlyMap<string, number>;
}
