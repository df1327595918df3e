/** Runs and what became of them, from the contract's JSON to the SDK's vocabulary. */
import type { CauseJson } from "../../../gen/ts/pm/v1/cause_pb.ts";
import type {
  EffectiveSpecJson,
  ExitStatusJson,
  OutputInfoJson,
  RunJson,
  StartFailureJson,
  StopReceiptJson,
  SurvivingProcessJson,
} from "../../../gen/ts/pm/v1/run_pb.ts";
import type {
  Cause,
  EffectiveSpec,
  ExitStatus,
  OutputInfo,
  RunInfo,
  RunSummary,
  StartFailure,
  StopReceipt,
  Survivor,
} from "../types.ts";
import { withOrigin } from "./origins.ts";
import { dateFromJson, enumFromJson, millisecondsFromJson, required } from "./scalars.ts";
import { causeKinds, runStates, stopOutcomes } from "./words.ts";

export function runFromJson(run: RunJson): RunInfo {
  return withOrigin(
    {
      number: run.number ?? 0,
      state: enumFromJson(runStates, run.state, "the run's state"),
      ...(run.cause !== undefined && { cause: causeFromJson(run.cause) }),
      ...(run.pid !== undefined && { pid: run.pid }),
      createTime: dateFromJson(required(run.createTime, "run.create_time")),
      ...(run.startTime !== undefined && { startTime: dateFromJson(run.startTime) }),
      ...(run.exitTime !== undefined && { exitTime: dateFromJson(run.exitTime) }),
      ...(run.exit !== undefined && { exit: exitFromJson(run.exit) }),
      ...(run.failure !== undefined && { failure: failureFromJson(run.failure) }),
      output: outputInfoFromJson(run.output),
      treeAlive: run.treeAlive ?? false,
      suspended: run.suspended ?? false,
      ...(run.effective !== undefined && { effective: effectiveFromJson(run.effective) }),
      survivors: (run.survivors ?? []).map(survivorFromJson),
      ...(run.stop !== undefined && { stop: receiptFromJson(run.stop) }),
    },
    run,
  );
}

/** What PROCESS_VIEW_SUMMARY has. */
export function runSummaryFromJson(run: RunJson): RunSummary {
  return {
    number: run.number ?? 0,
    state: enumFromJson(runStates, run.state, "the run's state"),
    ...(run.pid !== undefined && { pid: run.pid }),
    createTime: dateFromJson(required(run.createTime, "run.create_time")),
    ...(run.startTime !== undefined && { startTime: dateFromJson(run.startTime) }),
    ...(run.exitTime !== undefined && { exitTime: dateFromJson(run.exitTime) }),
    ...(run.exit !== undefined && { exit: outcomeFromJson(run.exit) }),
    ...(run.failure !== undefined && { failure: failureFromJson(run.failure) }),
    treeAlive: run.treeAlive ?? false,
    suspended: run.suspended ?? false,
  };
}

export function causeFromJson({ kind, principal, requestId, detail }: CauseJson): Cause {
  const words: Readonly<Record<string, Cause["kind"]>> = causeKinds;
  return {
    kind: words[kind ?? ""] ?? "unknown",
    ...(principal && { principal }),
    ...(requestId && { requestId }),
    ...(detail && { detail }),
  };
}

function outcomeFromJson(exit: ExitStatusJson): Omit<ExitStatus, "usage"> {
  return {
    ...(exit.code !== undefined && { code: exit.code }),
    ...(exit.signal !== undefined && { signal: exit.signal }),
    ...(exit.signalName && { signalName: exit.signalName }),
    coreDumped: exit.coreDumped ?? false,
    ...(exit.oomKilled !== undefined && { oomKilled: exit.oomKilled }),
  };
}

export function exitFromJson(exit: ExitStatusJson): ExitStatus {
  return {
    ...outcomeFromJson(exit),
    usage: {
      userMs: millisecondsFromJson(exit.usage?.userTime ?? "0s"),
      systemMs: millisecondsFromJson(exit.usage?.systemTime ?? "0s"),
      maxResidentBytes: Number(exit.usage?.maxResidentBytes ?? 0),
    },
  };
}

export function outputInfoFromJson(output: OutputInfoJson = {}): OutputInfo {
  return {
    firstOffset: Number(output.firstOffset ?? 0),
    nextOffset: Number(output.nextOffset ?? 0),
    complete: output.complete ?? false,
    stdoutBytes: Number(output.stdoutBytes ?? 0),
    stderrBytes: Number(output.stderrBytes ?? 0),
    limitBytes: Number(output.limitBytes ?? 0),
    held: output.held ?? false,
  };
}

export function receiptFromJson(receipt: StopReceiptJson): StopReceipt {
  return withOrigin(
    {
      ...(receipt.cause !== undefined && { cause: causeFromJson(receipt.cause) }),
      signal: receipt.signal ?? "",
      graceMs: millisecondsFromJson(receipt.gracePeriod ?? "0s"),
      force: receipt.force ?? false,
      ...(receipt.requestTime !== undefined && { requestTime: dateFromJson(receipt.requestTime) }),
      ...(receipt.signalTime !== undefined && { signalTime: dateFromJson(receipt.signalTime) }),
      ...(receipt.killTime !== undefined && { killTime: dateFromJson(receipt.killTime) }),
      ...(receipt.endTime !== undefined && { endTime: dateFromJson(receipt.endTime) }),
      outcome: enumFromJson(stopOutcomes, receipt.outcome, "the outcome of a stop"),
      survivors: (receipt.survivors ?? []).map(survivorFromJson),
    },
    receipt,
  );
}

function failureFromJson({ step, errno, errnoName, message, path }: StartFailureJson): StartFailure {
  return {
    step: (step ?? "START_STEP_UNSPECIFIED").replace("START_STEP_", "").toLowerCase(),
    ...(errno !== undefined && { errno }),
    ...(errnoName && { errnoName }),
    message: message ?? "",
    ...(path && { path }),
  };
}

function effectiveFromJson(effective: EffectiveSpecJson): EffectiveSpec {
  return {
    cwd: effective.cwd ?? "",
    outputLimitBytes: Number(effective.outputLimitBytes ?? 0),
    stopSignal: effective.stopSignal ?? "",
    stopGraceMs: millisecondsFromJson(effective.stopGracePeriod ?? "0s"),
    umask: effective.umask ?? 0,
    nice: effective.nice ?? 0,
    oomScoreAdj: effective.oomScoreAdj ?? 0,
  };
}

function survivorFromJson({ pid = 0, command = "", state = "" }: SurvivingProcessJson): Survivor {
  return { pid, command, state };
}
