/**
 * What callers ask for, in the contract's JSON. Nothing is judged here: what
 * is wrong with a request, the daemon says.
 */
import type { OutputStartJson, OutputStreamJson } from "../../../gen/ts/pm/v1/output_pb.ts";
import type { LimitsJson, ProcessSpecJson, ProcessStateJson } from "../../../gen/ts/pm/v1/process_pb.ts";
import type {
  GetOutputRequestJson,
  ProcessFilterJson,
  ProcessViewJson,
  SignalTargetJson,
  StartProcessRequestJson,
  StopProcessRequestJson,
  WaitConditionJson,
} from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type {
  GetOptions,
  Limits,
  OutputOptions,
  OutputStart,
  OutputStreamName,
  ProcessFilter,
  ProcessState,
  SignalTarget,
  StartOptions,
  StopOptions,
  WaitCondition,
} from "../types.ts";
import { durationToJson } from "./scalars.ts";

const states = {
  starting: "PROCESS_STATE_STARTING",
  running: "PROCESS_STATE_RUNNING",
  stopping: "PROCESS_STATE_STOPPING",
  exited: "PROCESS_STATE_EXITED",
  failed: "PROCESS_STATE_FAILED",
  lost: "PROCESS_STATE_LOST",
} as const satisfies Record<ProcessState, ProcessStateJson>;

const streams = {
  stdout: "OUTPUT_STREAM_STDOUT",
  stderr: "OUTPUT_STREAM_STDERR",
  tty: "OUTPUT_STREAM_TTY",
} as const satisfies Record<OutputStreamName, OutputStreamJson>;

/** `SignalTarget` in the contract. */
export const signalTargets = {
  group: "SIGNAL_TARGET_GROUP",
  main: "SIGNAL_TARGET_MAIN",
  tree: "SIGNAL_TARGET_TREE",
} as const satisfies Record<SignalTarget, SignalTargetJson>;

/** `WaitCondition` in the contract. */
export const waitConditions = {
  exited: "WAIT_CONDITION_EXITED",
  outputComplete: "WAIT_CONDITION_OUTPUT_COMPLETE",
  treeGone: "WAIT_CONDITION_TREE_GONE",
} as const satisfies Record<WaitCondition, WaitConditionJson>;

export function startToJson(id: string, options: StartOptions): StartProcessRequestJson {
  const { executable, args, env, envMode, cwd, name, labels, outputLimitBytes, stdin, terminal, limits, stop } =
    options;
  const spec: ProcessSpecJson = {
    executable,
    ...(args !== undefined && { args: [...args] }),
    ...(env !== undefined && { env: { ...env } }),
    ...(envMode === "replace" && { envMode: "ENV_MODE_REPLACE" }),
    ...(cwd !== undefined && { cwd }),
    ...(name !== undefined && { name }),
    ...(labels !== undefined && { labels: { ...labels } }),
    ...(outputLimitBytes !== undefined && { outputLimitBytes: String(outputLimitBytes) }),
    ...(stdin === "pipe" && { stdin: "STDIN_MODE_PIPE" }),
    ...(terminal !== undefined && { terminal: { rows: terminal.rows, columns: terminal.columns } }),
    ...(limits !== undefined && { limits: limitsToJson(limits) }),
    ...(stop !== undefined && {
      stop: {
        ...(stop.signal !== undefined && { signal: stop.signal }),
        ...(stop.graceMs !== undefined && { gracePeriod: durationToJson(stop.graceMs) }),
      },
    }),
  };
  return { id, spec };
}

function limitsToJson(limits: Limits): LimitsJson {
  return {
    ...(limits.rlimits !== undefined && {
      rlimits: limits.rlimits.map(({ resource, soft, hard }) => ({
        resource,
        ...(soft !== undefined && { soft: String(soft) }),
        ...(hard !== undefined && { hard: String(hard) }),
      })),
    }),
    ...(limits.memoryBytes !== undefined && { memoryBytes: String(limits.memoryBytes) }),
    ...(limits.cpuMillis !== undefined && { cpuMillis: limits.cpuMillis }),
    ...(limits.processes !== undefined && { processes: limits.processes }),
  };
}

/** For StopProcess and RestartProcess. */
export function stopToJson(id: string, { stopSignal, graceMs, force }: StopOptions): StopProcessRequestJson {
  return {
    id,
    ...(stopSignal !== undefined && { signal: stopSignal }),
    ...(graceMs !== undefined && { gracePeriod: durationToJson(graceMs) }),
    ...(force && { force }),
  };
}

export function viewToJson({ env }: GetOptions): { view?: ProcessViewJson } {
  return env ? { view: "PROCESS_VIEW_FULL" } : {};
}

export function filterToJson(filter: ProcessFilter | undefined): { filter?: ProcessFilterJson } {
  if (filter === undefined) {
    return {};
  }
  return {
    filter: {
      ...(filter.selector !== undefined && { labelSelector: filter.selector }),
      ...(filter.states !== undefined && { states: filter.states.map((state) => states[state]) }),
      ...(filter.ids !== undefined && { ids: [...filter.ids] }),
    },
  };
}

/** The part that GetOutput and StreamOutput have in common. */
export function outputToJson(id: string, { run, start, streams: names }: OutputOptions): GetOutputRequestJson {
  return {
    id,
    ...(run !== undefined && { run }),
    ...(start !== undefined && { start: outputStartToJson(start) }),
    ...(names !== undefined && { streams: names.map((name) => streams[name]) }),
  };
}

function outputStartToJson({ offset, tailBytes, tailLines, since }: OutputStart): OutputStartJson {
  return {
    ...(offset !== undefined && { offset: String(offset) }),
    ...(tailBytes !== undefined && { tailBytes: String(tailBytes) }),
    ...(tailLines !== undefined && { tailLines: String(tailLines) }),
    ...(since !== undefined && { since: since.toISOString() }),
  };
}
