/** When a schedule is due, and what it does then. Pure: times are milliseconds since the epoch. */
import { nextCron } from "./cron.ts";

export type Timing =
  | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }
  | { readonly kind: "every"; readonly ms: number }
  | { readonly kind: "boot" }
  | { readonly kind: "at"; readonly time: number };

export type OverlapPolicy = "skip" | "queue" | "replace";
export type CatchUpPolicy = "skip" | "once" | "all";
export type ScheduleResult = "started" | "skipped" | "queued" | "failed" | "missed";

export interface ScheduleRecord {
  readonly name: string;
  /** UUID. */
  readonly processId: string;
  readonly timing: Timing;
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUpPolicy;
  readonly paused: boolean;
  readonly createTime: number;
  /** The latest time that was due and dealt with; null: none yet. */
  readonly lastTime: number | null;
  readonly lastResult: ScheduleResult | null;
  /** Runs that are still to begin, when the one before has ended. */
  readonly owed: number;
  /** The boot for which `boot` was dealt with. */
  readonly bootId: string;
  /** Counts the changes of the schedule itself. */
  readonly version: number;
}

/** What is late by less than this was not missed. */
export const graceMs = 60_000;
/** The most runs that are caught up. */
export const maxCaughtUp = 100;
/** A clock that is set back by more was wrong before: what it made of the schedule counts for nothing. Milliseconds. */
const maxStepBackMs = 3 * 3600 * 1000;

/** When it is due next after `after`; null: not known. */
export function nextTime({ timing, createTime }: ScheduleRecord, after: number): number | null {
  switch (timing.kind) {
    case "cron":
      return nextCron(timing.expression, timing.timeZone, after);
    case "every":
      return createTime + (Math.floor((after - createTime) / timing.ms) + 1) * timing.ms;
    case "boot":
      return null;
    case "at":
      return timing.time > after ? timing.time : null;
  }
}

/** The place up to which a schedule has been dealt with. */
export function dealtWith({ lastTime, createTime }: ScheduleRecord): number {
  return lastTime ?? createTime;
}

/**
 * The schedule once the clock was set back. A little does not make a time due
 * again; after hours, or more than its interval, it goes on from now. To be put
 * on record: what is dealt with would else lie ahead for ever.
 */
export function afterStepBack(schedule: ScheduleRecord, now: number): ScheduleRecord {
  const { timing } = schedule;
  const ahead = dealtWith(schedule) - now;
  const most = timing.kind === "every" ? Math.min(timing.ms, maxStepBackMs) : maxStepBackMs;
  return (timing.kind === "cron" || timing.kind === "every") && ahead > most
    ? { ...schedule, lastTime: now }
    : schedule;
}

export interface Due {
  /** How many runs are to begin, one after the other. */
  readonly runs: number;
  /** The latest time that was due, from which it goes on. */
  readonly time: number;
  /** How many of the times that were due are passed over. */
  readonly missed: number;
}

/**
 * What a schedule makes of the times that were due up to now; null: nothing was.
 *
 * @param present Since when there has been a daemon to see to it. What was due before was missed, unless it is less
 *   than a minute late. A clock that jumps forward while the daemon looks on skips nothing.
 */
export function due(schedule: ScheduleRecord, present: number, now: number): Due | null {
  if (schedule.timing.kind === "at") {
    const { time } = schedule.timing;
    return schedule.lastTime === null && time <= now ? { runs: 1, time, missed: 0 } : null;
  }
  const from = dealtWith(schedule);
  const first = nextTime(schedule, from);
  if (first === null || first > now) {
    return null;
  }
  const times = dueTimes(schedule, first, now);
  const latest = times.at(-1) ?? first;
  const absent = times.filter((time) => time < present);
  const seen = times.length > absent.length ? 1 : 0;
  const late = absent.some((time) => now - time < graceMs) ? 1 : 0;
  const wanted = { all: absent.length + seen, once: 1, skip: seen | late }[schedule.catchUp];
  const runs = Math.min(maxCaughtUp, wanted);
  return { runs, time: latest, missed: Math.max(0, absent.length + seen - runs) };
}

/** The due times from `first` on; of a very long absence the latest ones, `maxCaughtUp` and one more. */
function dueTimes(schedule: ScheduleRecord, first: number, now: number): readonly number[] {
  const times: number[] = [];
  let time: number | null = first;
  let steps = 0;
  while (time !== null && time <= now) {
    times.push(time);
    if (times.length > maxCaughtUp + 1) {
      times.shift();
    }
    // Years of seconds are not walked through one by one: what lies so far back is passed over.
    time =
      ++steps % 1000 === 0 ? nextTime(schedule, Math.max(time, latestWindow(times, now))) : nextTime(schedule, time);
  }
  return times;
}

/** A place from which about `maxCaughtUp` times of the present rhythm are left. */
function latestWindow(times: readonly number[], now: number): number {
  const first = times[0] ?? now;
  const last = times.at(-1) ?? now;
  const step = Math.max(1, (last - first) / Math.max(1, times.length - 1));
  return now - step * 2 * maxCaughtUp;
}

export type OverlapDecision = "start" | "skip" | "queue" | "replace";

/** What to do with one that is due while the run before may not have ended. */
export function onOverlap(overlap: OverlapPolicy, busy: boolean): OverlapDecision {
  return busy ? overlap : "start";
}
