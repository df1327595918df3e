/** Schedules. No time passes here: one is due when it is triggered. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter } from "@connectrpc/connect";
import { ProcessRefSchema } from "../../../gen/ts/pm/v1/process_pb.ts";
import {
  OverlapPolicy,
  type Schedule,
  ScheduleResult,
  ScheduleSchema,
  ScheduleService,
} from "../../../gen/ts/pm/v1/schedule_service_pb.ts";
import { WaitingReason } from "../../../gen/ts/pm/v1/supervision_pb.ts";
import { reasonError } from "../errors.ts";
import type { FakeProcess } from "../fake-process.ts";
import type { FakeWorld } from "../fake-world.ts";
import { intervalMs } from "./interval.ts";

export function scheduleRoutes(world: FakeWorld, router: ConnectRouter): void {
  const schedules = new Map<string, Schedule>();
  const find = (name: string): Schedule => {
    const schedule = schedules.get(name);
    if (schedule === undefined) {
      throw reasonError("SCHEDULE_NOT_FOUND", `there is no schedule ${name}`, { name });
    }
    return schedule;
  };
  const replace = (before: Schedule, change: Partial<Schedule>): Schedule => {
    const schedule = create(ScheduleSchema, { ...before, ...change });
    schedules.set(schedule.name, schedule);
    return schedule;
  };
  router.service(ScheduleService, {
    setSchedule({ schedule: asked = create(ScheduleSchema), template, createOnly, resourceVersion }) {
      const name = asked.name ?? "";
      const before = schedules.get(name);
      if (before !== undefined && createOnly) {
        throw reasonError("SCHEDULE_EXISTS", `there is a schedule ${name}`, { name });
      }
      if (resourceVersion !== "" && resourceVersion !== before?.resourceVersion) {
        throw reasonError("CONDITION_FAILED", `the schedule ${name} has changed`, { field: "resource_version" });
      }
      const existing =
        template && (template.id === "" ? before && world.find(before.process) : world.processes.get(template.id));
      const process = template === undefined ? world.find(asked.process) : (existing ?? world.make(template));
      if (template !== undefined && existing === undefined) {
        process.wait(WaitingReason.SCHEDULE, [name]);
      }
      const timing =
        asked.timing.case === "in" ? { case: "at" as const, value: later(asked.timing.value) } : asked.timing;
      const schedule = create(ScheduleSchema, {
        ...asked,
        timing,
        process: create(ProcessRefSchema, { ref: { case: "id", value: process.id } }),
        createTime: before?.createTime ?? timestampNow(),
        resourceVersion: String(Number(before?.resourceVersion ?? 0) + 1),
        lastResult: before?.lastResult ?? ScheduleResult.UNSPECIFIED,
        ...(before?.lastTime && { lastTime: before.lastTime }),
      });
      schedules.set(name, schedule);
      return { schedule, process: process.snapshot() };
    },
    getSchedule: ({ name }) => ({ schedule: find(name) }),
    listSchedules: () => ({ schedules: [...schedules.keys()].sort().map(find) }),
    pauseSchedule: ({ name, paused }) => ({ schedule: replace(find(name), { paused }) }),
    triggerSchedule({ name }) {
      const schedule = find(name);
      const process = world.find(schedule.process);
      return { schedule: replace(schedule, { lastTime: timestampNow(), lastResult: due(world, schedule, process) }) };
    },
    removeSchedule({ name }) {
      const { process: ref } = find(name);
      schedules.delete(name);
      const process = world.find(ref);
      if (process.waiting === WaitingReason.SCHEDULE) {
        process.cancel();
      }
      return {};
    },
  });
}

function due(world: FakeWorld, { overlap }: Schedule, process: FakeProcess): ScheduleResult {
  if (process.running && overlap !== OverlapPolicy.REPLACE) {
    return ScheduleResult.SKIPPED;
  }
  process.exit({ signal: "SIGTERM" });
  world.begin(process);
  return ScheduleResult.STARTED;
}

function later(duration: Parameters<typeof intervalMs>[0]) {
  return timestampFromMs(Date.now() + intervalMs(duration));
}
