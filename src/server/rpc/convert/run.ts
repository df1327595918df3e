import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  EffectiveSpecSchema,
  ExitStatusSchema,
  OutputInfoSchema,
  RunSchema,
  StartFailureSchema,
} from "../../../../gen/ts/pm/v1/run_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import { causeToProto } from "./cause.ts";
import { runStateToProto } from "./enums.ts";
import { receiptToProto } from "./stop.ts";
import { durationFromMicros, durationFromMillis, optionalTimestamp, timestampFromNanos } from "./time.ts";

export function runToProto(run: engine.RunInfo): MessageInitShape<typeof RunSchema> {
  return {
    number: run.number,
    state: runStateToProto[run.state],
    cause: causeToProto(run.cause),
    ...(run.pid !== null && { pid: run.pid }),
    createTime: timestampFromNanos(run.createTime),
    startTime: optionalTimestamp(run.startTime),
    exitTime: optionalTimestamp(run.exitTime),
    exit: run.exit === null ? undefined : exitToProto(run.exit),
    failure: run.failure === null ? undefined : failureToProto(run.failure),
    output: outputInfoToProto(run.output),
    treeAlive: run.treeAlive,
    suspended: run.suspended,
    effective: run.effective === null ? undefined : effectiveToProto(run.effective),
    survivors: run.survivors.map((survivor) => ({ ...survivor })),
    stop: run.stop === null ? undefined : receiptToProto(run.stop),
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

export function exitToProto(exit: engine.ExitStatus): MessageInitShape<typeof ExitStatusSchema> {
  return {
    ...outcomeToProto(exit),
    usage: {
      userTime: durationFromMicros(exit.usage.userMicros),
      systemTime: durationFromMicros(exit.usage.systemMicros),
      maxResidentBytes: BigInt(exit.usage.maxResidentBytes),
    },
  };
}

/** Without what it used. */
function outcomeToProto(exit: engine.ExitStatus) {
  return {
    result:
      exit.signal === null
        ? { case: "code" as const, value: exit.code ?? 0 }
        : { case: "signal" as const, value: exit.signal },
    signalName: exit.signalName,
    coreDumped: exit.coreDumped,
    ...(exit.oomKilled !== null && { oomKilled: exit.oomKilled }),
  };
}

function failureToProto({ errno, ...failure }: engine.StartFailure): MessageInitShape<typeof StartFailureSchema> {
  return { ...failure, ...(errno !== null && { errno }) };
}

function effectiveToProto(effective: engine.EffectiveSpec): MessageInitShape<typeof EffectiveSpecSchema> {
  const { outputLimitBytes, stopGraceMs, ...same } = effective;
  return {
    ...same,
    outputLimitBytes: BigInt(outputLimitBytes),
    stopGracePeriod: durationFromMillis(stopGraceMs),
  };
}

export function outputInfoToProto(output: engine.OutputInfo): MessageInitShape<typeof OutputInfoSchema> {
  return {
    firstOffset: BigInt(output.firstOffset),
    nextOffset: BigInt(output.nextOffset),
    complete: output.complete,
    stdoutBytes: BigInt(output.stdoutBytes),
    stderrBytes: BigInt(output.stderrBytes),
    limitBytes: BigInt(output.limitBytes),
    held: output.held,
  };
}
