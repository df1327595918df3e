/** Schedules: when a process is to be started. */
import type { CallOptions } from "./calls.ts";
import type { ProcessInfo } from "./process.ts";
import type { StartOptions } from "./processes.ts";

/** When a schedule is due. */
export type Timing =
  /** Five fields, six with seconds in front, or @hourly, @daily, @weekly, @monthly, @yearly. */
  | { readonly kind: "cron"; readonly expression: string }
  | { readonly kind: "every"; readonly ms: number }
  /** Once at each boot of the machine. */
  | { readonly kind: "boot" }
  /** Once; the schedule is removed when the run has begun. */
  | { readonly kind: "at"; readonly time: Date }
  /** As `"at"`, this long after the request. */
  | { readonly kind: "in"; readonly ms: number };

/** What happens while the run before has not ended. */
export type OverlapPolicy = "skip" | "queue" | "replace";
/** What happens to times that passed without a daemon. */
export type CatchUpPolicy = "skip" | "once" | "all";
export type ScheduleResult = "started" | "skipped" | "queued" | "failed" | "missed" | "unknown";

/** A schedule as the daemon keeps it. */
export interface Schedule {
  readonly name: string;
  /** The UUID of the process that it starts. */
  readonly processId: string;
  readonly timing: Exclude<Timing, { readonly kind: "in" }>;
  /** IANA name, for cron. Undefined: the daemon's. */
  readonly timeZone?: string;
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUpPolicy;
  readonly paused: boolean;
  readonly createTime: Date;
  /** Undefined: not known to be due. */
  readonly nextTime?: Date;
  /** Undefined: it never was. */
  readonly lastTime?: Date;
  readonly lastResult?: ScheduleResult;
  readonly resourceVersion: string;
}

/** What a schedule may say besides when it is due. */
export interface ScheduleDetails {
  /** @default the daemon's */
  readonly timeZone?: string;
  /** @default "skip" */
  readonly overlap?: OverlapPolicy;
  /** @default "skip" */
  readonly catchUp?: CatchUpPolicy;
  /** @default false */
  readonly paused?: boolean;
}

/** A schedule to be made or replaced: `process` is there, or `template` is made for it. */
export interface SetScheduleOptions extends ScheduleDetails, CallOptions {
  /** When it is due. */
  readonly timing: Timing;
  /** The UUID or the name of a process. @default the one that `template` makes */
  readonly process?: string;
  /** The process to make, which then waits for its time. @default none: `process` is there */
  readonly template?: StartOptions;
  /** Refuse to replace another schedule: `SCHEDULE_EXISTS`. @default false */
  readonly createOnly?: boolean;
  /** Must be the schedule's. @default any */
  readonly resourceVersion?: string;
}

/** What a schedule was set to. */
export interface SetScheduleResult {
  readonly schedule: Schedule;
  readonly process: ProcessInfo;
}
