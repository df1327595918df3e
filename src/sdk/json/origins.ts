/** The contract's JSON that each object of the SDK was made from. */
import type { GetInfoResponseJson } from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import type { EventJson } from "../../../gen/ts/pm/v1/event_pb.ts";
import type { ProcessJson } from "../../../gen/ts/pm/v1/process_pb.ts";
import type { ProjectJson } from "../../../gen/ts/pm/v1/project_service_pb.ts";
import type { QueueJson } from "../../../gen/ts/pm/v1/queue_service_pb.ts";
import type { RunJson, StopReceiptJson } from "../../../gen/ts/pm/v1/run_pb.ts";
import type { ScheduleJson } from "../../../gen/ts/pm/v1/schedule_service_pb.ts";
import type { UsageSampleJson } from "../../../gen/ts/pm/v1/usage_pb.ts";
import type {
  DaemonInfo,
  Event,
  ProcessInfo,
  Project,
  Queue,
  RunInfo,
  Schedule,
  StopReceipt,
  UsageSample,
} from "../types.ts";

const origins = new WeakMap<object, unknown>();

/** Keeps the JSON for as long as the object lives. */
export function withOrigin<Value extends object>(value: Value, json: object): Value {
  origins.set(value, json);
  return value;
}

/**
 * The contract's own JSON of an object, exactly as any other client gets it: times to the nanosecond, 64-bit numbers as
 * strings, fields with default values left out.
 *
 * @throws TypeError if it did not come from this SDK, for example because it was copied
 */
export function toContractJson(value: ProcessInfo): ProcessJson;
export function toContractJson(value: RunInfo): RunJson;
export function toContractJson(value: StopReceipt): StopReceiptJson;
export function toContractJson(value: Event): EventJson;
export function toContractJson(value: DaemonInfo): GetInfoResponseJson;
export function toContractJson(value: UsageSample): UsageSampleJson;
export function toContractJson(value: Schedule): ScheduleJson;
export function toContractJson(value: Queue): QueueJson;
export function toContractJson(value: Project): ProjectJson;
export function toContractJson(value: object): unknown {
  const json = origins.get(value);
  if (json === undefined) {
    throw new TypeError("this did not come from the SDK: pass the very object that it returned");
  }
  return json;
}
