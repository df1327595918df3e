/** Frames of streams, from the contract's JSON to the SDK's vocabulary. Undefined: a kind that this version does not know. */
import type { EventJson } from "../../../gen/ts/pm/v1/event_pb.ts";
import type { StreamEventsResponseJson } from "../../../gen/ts/pm/v1/event_service_pb.ts";
import type { BatchErrorJson, WatchProcessesResponseJson } from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type { ProcessUsageJson, UsageSampleJson } from "../../../gen/ts/pm/v1/usage_pb.ts";
import { isContractErrorReason, statusCodes } from "../../common/error-reasons.ts";
import { type ContractErrorReason, PmError } from "../errors.ts";
import type { Event, EventFrame, EventType, ProcessUsage, UsageSample, WatchEvent, WatchRemoval } from "../types.ts";
import { withOrigin } from "./origins.ts";
import { pastState, processFromJson } from "./process.ts";
import { causeFromJson, exitFromJson } from "./run.ts";
import { dateFromJson, millisecondsFromJson, required } from "./scalars.ts";
import { eventTypes, watchRemovals } from "./words.ts";

export function watchEventFromJson(json: WatchProcessesResponseJson): WatchEvent | undefined {
  const { type, process, resourceVersion, removal, cause } = json;
  switch (type) {
    case "WATCH_EVENT_TYPE_ADDED":
      return { type: "added", process: processFromJson(process) };
    case "WATCH_EVENT_TYPE_MODIFIED":
      return { type: "modified", process: processFromJson(process) };
    case "WATCH_EVENT_TYPE_REMOVED": {
      const words: Readonly<Record<string, WatchRemoval>> = watchRemovals;
      return {
        type: "removed",
        id: required(process?.id, "process.id"),
        removal: words[removal ?? ""] ?? "unknown",
        ...(cause !== undefined && { cause: causeFromJson(cause) }),
      };
    }
    case "WATCH_EVENT_TYPE_BOOKMARK":
      return { type: "bookmark", resourceVersion: required(resourceVersion, "resource_version") };
    default:
      return undefined;
  }
}

export function eventFrameFromJson(json: StreamEventsResponseJson): EventFrame | undefined {
  const { opened, event, dropped, heartbeat } = json;
  if (event !== undefined) {
    return { type: "event", event: eventFromJson(event) };
  }
  if (opened !== undefined) {
    const { journalId = "", firstSequence = "0", lastSequence = "0" } = opened;
    return {
      type: "opened",
      journalId,
      firstSequence: Number(firstSequence),
      lastSequence: Number(lastSequence),
    };
  }
  if (dropped !== undefined) {
    return { type: "dropped", from: Number(dropped.fromSequence ?? 0), to: Number(dropped.toSequence ?? 0) };
  }
  return heartbeat === undefined ? undefined : { type: "heartbeat", sequence: Number(heartbeat.sequence ?? 0) };
}

function eventFromJson(json: EventJson): Event {
  const words: Readonly<Record<string, EventType>> = eventTypes;
  const [from, to] = [pastState(json.from), pastState(json.to)];
  return withOrigin(
    {
      sequence: Number(json.sequence ?? 0),
      time: dateFromJson(required(json.time, "event.time")),
      type: words[json.type ?? ""] ?? "unknown",
      ...(json.processId && { processId: json.processId }),
      ...(json.processName && { processName: json.processName }),
      ...(json.run !== undefined && { run: json.run }),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(json.cause !== undefined && { cause: causeFromJson(json.cause) }),
      ...(json.exit !== undefined && { exit: exitFromJson(json.exit) }),
      ...(json.attempt !== undefined && { attempt: json.attempt }),
      ...(json.until !== undefined && { until: dateFromJson(json.until) }),
      ...(json.schedule && { schedule: json.schedule }),
      ...(json.queue && { queue: json.queue }),
      ...(json.project && { project: json.project }),
    },
    json,
  );
}

/** The error of one process in a call by filter. */
export function batchErrorFromJson({ reason = "", message = "", metadata = {} }: BatchErrorJson): PmError {
  const code = isContractErrorReason(reason) ? statusCodes[reason] : "unknown";
  return new PmError(reason as ContractErrorReason, message || reason, { code, metadata });
}

export function sampleFromJson(json: UsageSampleJson | undefined): UsageSample {
  const sample = required(json, "sample");
  const { time, interval, usages = [] } = sample;
  return withOrigin(
    {
      time: dateFromJson(required(time, "sample.time")),
      ...(interval !== undefined && { intervalMs: millisecondsFromJson(interval) }),
      usages: usages.map(usageFromJson),
    },
    sample,
  );
}

function usageFromJson(usage: ProcessUsageJson): ProcessUsage {
  const {
    id = "",
    run = 0,
    cpuTime = "0s",
    cpuPercent,
    residentBytes = "0",
    io,
    descendants = 0,
    members = [],
  } = usage;
  return {
    id,
    run,
    cpuMs: millisecondsFromJson(cpuTime),
    ...(cpuPercent !== undefined && { cpuPercent: Number(cpuPercent) }),
    residentBytes: Number(residentBytes),
    ...(io !== undefined && {
      io: { readBytes: Number(io.readBytes ?? 0), writtenBytes: Number(io.writtenBytes ?? 0) },
    }),
    descendants,
    members: members.map((member) => ({
      pid: member.pid ?? 0,
      ...(member.parentPid && { parentPid: member.parentPid }),
      command: member.command ?? "",
      state: member.state ?? "",
      cpuMs: millisecondsFromJson(member.cpuTime ?? "0s"),
      residentBytes: Number(member.residentBytes ?? 0),
    })),
  };
}
