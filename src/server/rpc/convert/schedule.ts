import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  CatchUpPolicy,
  OverlapPolicy,
  type Schedule,
  ScheduleResult,
  type ScheduleSchema,
} from "../../../../gen/ts/pm/v1/schedule_service_pb.ts";
import { isName } from "../../../common/contract-rules.ts";
import type * as supervision from "../../supervision/schedule/schedule.ts";
import type { ScheduleStatus } from "../../supervision/schedule/scheduler.ts";
import type { Field } from "../edge/field.ts";
import { dayMs, quote } from "../edge/rules.ts";
import { reader } from "./enums.ts";
import { optionalMillis } from "./supervision.ts";
import { durationFromMillis, millisFromDuration, nanosFromTimestamp } from "./time.ts";

const overlapToProto = {
  skip: OverlapPolicy.SKIP,
  queue: OverlapPolicy.QUEUE,
  replace: OverlapPolicy.REPLACE,
} as const satisfies Record<supervision.OverlapPolicy, OverlapPolicy>;
const overlapFromProto = reader(overlapToProto, "skip");

const catchUpToProto = {
  skip: CatchUpPolicy.SKIP,
  once: CatchUpPolicy.ONCE,
  all: CatchUpPolicy.ALL,
} as const satisfies Record<supervision.CatchUpPolicy, CatchUpPolicy>;
const catchUpFromProto = reader(catchUpToProto, "skip");

const resultToProto = {
  started: ScheduleResult.STARTED,
  skipped: ScheduleResult.SKIPPED,
  queued: ScheduleResult.QUEUED,
  failed: ScheduleResult.FAILED,
  missed: ScheduleResult.MISSED,
} as const satisfies Record<supervision.ScheduleResult, ScheduleResult>;

const maxTextLength = 256;

/** Everything but the process. */
export function scheduleFromProto(schedule: Schedule, at: Field) {
  return {
    name: requiredName(schedule.name, at.child("name")),
    timing: timingFromProto(schedule, at),
    overlap: overlapFromProto(schedule.overlap),
    catchUp: catchUpFromProto(schedule.catchUp),
    paused: schedule.paused,
  };
}

export function requiredName(value: string, at: Field): string {
  if (!isName(value)) {
    at.refuse(`must be a letter or "_", then up to 62 letters, digits, ".", "_" or "-", not ${quote(value)}`);
  }
  return value;
}

/** Whether an expression is one, supervision says. */
function timingFromProto({ timing, timeZone }: Schedule, at: Field): supervision.Timing {
  if (timeZone !== "" && timing.case !== "cron") {
    at.child("time_zone").refuse("is for `cron` alone");
  }
  switch (timing.case) {
    case "cron":
      if (timing.value.length > maxTextLength || timeZone.length > maxTextLength) {
        at.child("cron").refuse(`must not be longer than ${maxTextLength} characters`);
      }
      return { kind: "cron", expression: timing.value, timeZone };
    case "every":
      return {
        kind: "every",
        ms: millisFromDuration(timing.value, { min: 1000, max: 366 * dayMs }, at.child("every")) ?? 0,
      };
    case "boot":
      if (!timing.value) {
        at.child("boot").refuse("must be true");
      }
      return { kind: "boot" };
    case "at":
      return { kind: "at", time: Number((nanosFromTimestamp(timing.value, at.child("at")) ?? 0n) / 1_000_000n) };
    case "in":
      return {
        kind: "at",
        time: Date.now() + (millisFromDuration(timing.value, { min: 0, max: 366 * dayMs }, at.child("in")) ?? 0),
      };
    case undefined:
      at.refuse("one of `cron`, `every`, `boot`, `at` and `in` is required");
      return { kind: "boot" };
  }
}

export function scheduleToProto(schedule: ScheduleStatus): MessageInitShape<typeof ScheduleSchema> {
  const { timing, lastResult } = schedule;
  return {
    name: schedule.name,
    process: { ref: { case: "id", value: schedule.processId } },
    timing: timingToProto(timing),
    timeZone: timing.kind === "cron" ? timing.timeZone : "",
    overlap: overlapToProto[schedule.overlap],
    catchUp: catchUpToProto[schedule.catchUp],
    paused: schedule.paused,
    createTime: optionalMillis(schedule.createTime),
    nextTime: optionalMillis(schedule.nextTime),
    lastTime: optionalMillis(schedule.lastTime),
    ...(lastResult !== null && { lastResult: resultToProto[lastResult] }),
    resourceVersion: String(schedule.version),
  };
}

function timingToProto(timing: supervision.Timing): NonNullable<MessageInitShape<typeof ScheduleSchema>["timing"]> {
  switch (timing.kind) {
    case "cron":
      return { case: "cron", value: timing.expression };
    case "every":
      return { case: "every", value: durationFromMillis(timing.ms) };
    case "boot":
      return { case: "boot", value: true };
    case "at":
      return { case: "at", value: optionalMillis(timing.time) ?? {} };
  }
}
