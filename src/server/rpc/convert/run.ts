/**
 * A run and what is in it, as finished messages with every field: `create()`
 * would make each of them once more.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type EffectiveSpec,
  type ExitStatus,
  type OutputInfo,
  type Run,
  type RunSchema,
  type StartFailure,
  StopReceiptSchema,
} from "../../../../gen/ts/pm/v1/run_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import { causeToProto } from "./cause.ts";
import { runStateToProto } from "./enums.ts";
import { receiptToProto } from "./stop.ts";
import { durationFromMicros, durationFromMillis, optionalTimestamp, timestampFromNanos } from "./time.ts";

export function runToProto(run: engine.RunInfo): Run {
  return {
    $typeName: "pm.v1.Run",
    number: run.number,
    state: runStateToProto[run.state],
    cause: causeToProto(run.cause),
    pid: run.pid ?? undefined,
    createTime: timestampFromNanos(run.createTime),
    startTime: optionalTimestamp(run.startTime),
    exitTime: optionalTimestamp(run.exitTime),
    exit: run.exit === null ? undefined : exitToProto(run.exit),
    failure: run.failure === null ? undefined : failureToProto(run.failure),
    output: outputInfoToProto(run.output),
    treeAlive: run.treeAlive,
    suspended: run.suspended,
    effective: run.effective === null ? undefined : effectiveToProto(run.effective),
    survivors: run.survivors.map((survivor) => ({ $typeName: "pm.v1.SurvivingProcess", ...survivor })),
    stop: run.stop === null ? undefined : create(StopReceiptSchema, receiptToProto(run.stop)),
  };
}

/** The part of a run that PROCESS_VIEW_SUMMARY has. */
export function runSummaryToProto(run: engine.RunInfo): MessageInitShape<typeof RunSchema> {
  return {
    number: run.number,
    state: runStateToProto[run.state],
    ...(run.pid !== null && { pid: run.pid }),
    createTime: timestampFromNanos(run.createTime),
    startTime: optionalTimestamp(run.startTime),
    exitTime: optionalTimestamp(run.exitTime),
    exit: run.exit === null ? undefined : outcomeToProto(run.exit),
    failure: run.failure === null ? undefined : failureToProto(run.failure),
    treeAlive: run.treeAlive,
    suspended: run.suspended,
  };
}

export function exitToProto(exit: engine.ExitStatus): ExitStatus {
  return {
    ...outcomeToProto(exit),
    usage: {
      $typeName: "pm.v1.ResourceUsage",
      userTime: durationFromMicros(exit.usage.userMicros),
      systemTime: durationFromMicros(exit.usage.systemMicros),
      maxResidentBytes: BigInt(exit.usage.maxResidentBytes),
    },
  };
}

/** Without what it used. */
function outcomeToProto(exit: engine.ExitStatus): ExitStatus {
  return {
    $typeName: "pm.v1.ExitStatus",
    result: exit.signal === null ? { case: "code", value: exit.code ?? 0 } : { case: "signal", value: exit.signal },
    signalName: exit.signalName,
    coreDumped: exit.coreDumped,
    oomKilled: exit.oomKilled ?? undefined,
  };
}

function failureToProto({ errno, ...failure }: engine.StartFailure): StartFailure {
  return { $typeName: "pm.v1.StartFailure", ...failure, errno: errno ?? undefined };
}

function effectiveToProto(effective: engine.EffectiveSpec): EffectiveSpec {
  const { cwd, outputLimitBytes, stopSignal, stopGraceMs, umask, nice, oomScoreAdj } = effective;
  return {
    $typeName: "pm.v1.EffectiveSpec",
    cwd,
    outputLimitBytes: BigInt(outputLimitBytes),
    stopSignal,
    stopGracePeriod: durationFromMillis(stopGraceMs),
    umask,
    nice,
    oomScoreAdj,
  };
}

export function outputInfoToProto(output: engine.OutputInfo): OutputInfo {
  return {
    $typeName: "pm.v1.OutputInfo",
    firstOffset: BigInt(output.firstOffset),
    nextOffset: BigInt(output.nextOffset),
    complete: output.complete,
    stdoutBytes: BigInt(output.stdoutBytes),
    stderrBytes: BigInt(output.stderrBytes),
    limitBytes: BigInt(output.limitBytes),
    held: output.held,
  };
}
