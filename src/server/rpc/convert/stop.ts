/** How a stop is asked for, and what became of it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { StopOptions } from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import type { StopReceiptSchema } from "../../../../gen/ts/pm/v1/run_pb.ts";
import type { ProcessSpecSchema, StopPolicy } from "../../../../gen/ts/pm/v1/spec_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import type { Field } from "../edge/field.ts";
import { dayMs } from "../edge/rules.ts";
import { causeToProto } from "./cause.ts";
import { stopOutcomeToProto } from "./enums.ts";
import { optionalSignalName } from "./signal-name.ts";
import { durationFromMillis, millisFromDuration, optionalTimestamp, timestampFromNanos } from "./time.ts";

/** How long a stop may wait. */
export const graceRange = { min: 0, max: dayMs };

export function stopPolicyFromProto(stop: StopPolicy | undefined, at: Field): engine.StopPolicy {
  return {
    signal: optionalSignalName(stop?.signal ?? "", at.child("signal")),
    graceMs: millisFromDuration(stop?.gracePeriod, graceRange, at.child("grace_period")),
  };
}

export function stopPolicyToProto({ signal, graceMs }: engine.StopPolicy): MessageInitShape<typeof ProcessSpecSchema> {
  return signal === "" && graceMs === null
    ? {}
    : { stop: { signal, ...(graceMs !== null && { gracePeriod: durationFromMillis(graceMs) }) } };
}

export function stopOptionsFromProto(options: StopOptions | undefined, at: Field): engine.StopOptions {
  return {
    signal: optionalSignalName(options?.signal ?? "", at.child("signal")),
    graceMs: millisFromDuration(options?.gracePeriod, graceRange, at.child("grace_period")),
    force: options?.force ?? false,
  };
}

export function receiptToProto(receipt: engine.StopReceipt): MessageInitShape<typeof StopReceiptSchema> {
  return {
    cause: causeToProto(receipt.cause),
    signal: receipt.signal,
    gracePeriod: durationFromMillis(receipt.graceMs),
    force: receipt.force,
    requestTime: timestampFromNanos(receipt.requestTime),
    signalTime: optionalTimestamp(receipt.signalTime),
    killTime: optionalTimestamp(receipt.killTime),
    endTime: optionalTimestamp(receipt.endTime),
    outcome: stopOutcomeToProto[receipt.outcome],
    survivors: receipt.survivors.map((survivor) => ({ ...survivor })),
  };
}
