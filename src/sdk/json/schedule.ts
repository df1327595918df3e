/** Schedules between the SDK's vocabulary and the contract's JSON. */
import type { CatchUpPolicyJson, OverlapPolicyJson, ScheduleJson } from "../../../gen/ts/pm/v1/schedule_service_pb.ts";
import type { CatchUpPolicy, OverlapPolicy, Schedule, ScheduleDetails, ScheduleResult, Timing } from "../types.ts";
import { withOrigin } from "./origins.ts";
import {
  dateFromJson,
  dateToJson,
  durationToJson,
  enumFromJson,
  enumToJson,
  millisecondsFromJson,
  required,
} from "./scalars.ts";
import type { Known } from "./words.ts";

const overlaps = {
  OVERLAP_POLICY_SKIP: "skip",
  OVERLAP_POLICY_QUEUE: "queue",
  OVERLAP_POLICY_REPLACE: "replace",
} as const satisfies Record<Known<OverlapPolicyJson>, OverlapPolicy>;

const catchUps = {
  CATCH_UP_POLICY_SKIP: "skip",
  CATCH_UP_POLICY_ONCE: "once",
  CATCH_UP_POLICY_ALL: "all",
} as const satisfies Record<Known<CatchUpPolicyJson>, CatchUpPolicy>;

const results: Readonly<Record<string, ScheduleResult>> = {
  SCHEDULE_RESULT_STARTED: "started",
  SCHEDULE_RESULT_SKIPPED: "skipped",
  SCHEDULE_RESULT_QUEUED: "queued",
  SCHEDULE_RESULT_FAILED: "failed",
  SCHEDULE_RESULT_MISSED: "missed",
};

export function scheduleToJson(
  name: string,
  { timing, timeZone, overlap, catchUp, paused }: ScheduleDetails & { readonly timing: Timing },
): ScheduleJson {
  return {
    name,
    ...timingToJson(timing),
    ...(timeZone !== undefined && { timeZone }),
    ...(overlap !== undefined && { overlap: enumToJson(overlaps, overlap, "overlap") }),
    ...(catchUp !== undefined && { catchUp: enumToJson(catchUps, catchUp, "catchUp") }),
    ...(paused && { paused }),
  };
}

function timingToJson(timing: Timing): ScheduleJson {
  switch (timing.kind) {
    case "cron":
      return { cron: timing.expression };
    case "every":
      return { every: durationToJson(timing.ms, "timing.ms") };
    case "boot":
      return { boot: true };
    case "at":
      return { at: dateToJson(timing.time, "timing.time") };
    case "in":
      return { in: durationToJson(timing.ms, "timing.ms") };
  }
}

export function scheduleFromJson(json: ScheduleJson | undefined): Schedule {
  const schedule = required(json, "schedule");
  const { name = "", process, timeZone, overlap, catchUp, paused = false, nextTime, lastTime, lastResult } = schedule;
  return withOrigin(
    {
      name,
      processId: required(process?.id, "schedule.process"),
      timing: timingFromJson(schedule),
      ...(timeZone && { timeZone }),
      overlap: enumFromJson(overlaps, overlap ?? "OVERLAP_POLICY_SKIP", "the overlap policy"),
      catchUp: enumFromJson(catchUps, catchUp ?? "CATCH_UP_POLICY_SKIP", "the catch-up policy"),
      paused,
      createTime: dateFromJson(required(schedule.createTime, "schedule.create_time")),
      ...(nextTime !== undefined && { nextTime: dateFromJson(nextTime) }),
      ...(lastTime !== undefined && { lastTime: dateFromJson(lastTime) }),
      ...(lastResult !== undefined && { lastResult: results[lastResult] ?? "unknown" }),
      resourceVersion: schedule.resourceVersion ?? "",
    },
    schedule,
  );
}

function timingFromJson({ cron, every, boot, at }: ScheduleJson): Schedule["timing"] {
  if (cron !== undefined) {
    return { kind: "cron", expression: cron };
  }
  if (every !== undefined) {
    return { kind: "every", ms: millisecondsFromJson(every) };
  }
  return boot ? { kind: "boot" } : { kind: "at", time: dateFromJson(required(at, "schedule.timing")) };
}
