/** Processes, from the contract's JSON to the SDK's vocabulary. */
import type {
  EnvModeJson,
  ExitStatusJson,
  LimitsJson,
  OutputInfoJson,
  ProcessJson,
  ProcessSpecJson,
  ProcessStateJson,
  StartFailureJson,
  StdinModeJson,
} from "../../../gen/ts/pm/v1/process_pb.ts";
import { PmError } from "../errors.ts";
import type { ExitStatus, Limits, OutputInfo, ProcessInfo, ProcessSpec, ProcessState, StartFailure } from "../types.ts";
import { dateFromJson, millisecondsFromJson, wordFromJson } from "./scalars.ts";

const states = {
  PROCESS_STATE_STARTING: "starting",
  PROCESS_STATE_RUNNING: "running",
  PROCESS_STATE_STOPPING: "stopping",
  PROCESS_STATE_EXITED: "exited",
  PROCESS_STATE_FAILED: "failed",
  PROCESS_STATE_LOST: "lost",
} as const satisfies Record<Exclude<ProcessStateJson, `${string}UNSPECIFIED`>, ProcessState>;

const envModes = {
  ENV_MODE_UNSPECIFIED: "extend",
  ENV_MODE_EXTEND: "extend",
  ENV_MODE_REPLACE: "replace",
} as const satisfies Record<EnvModeJson, ProcessSpec["envMode"]>;

const stdinModes = {
  STDIN_MODE_UNSPECIFIED: "null",
  STDIN_MODE_NULL: "null",
  STDIN_MODE_PIPE: "pipe",
} as const satisfies Record<StdinModeJson, ProcessSpec["stdin"]>;

/** The JSON that each process came from. */
const origins = new WeakMap<ProcessInfo, ProcessJson>();

/**
 * The contract's own JSON of a process, exactly as any other client gets it: times to the nanosecond, 64-bit numbers as
 * strings, fields with default values left out.
 *
 * @throws TypeError if `info` did not come from this SDK, for example because it was copied
 */
export function toContractJson(info: ProcessInfo): ProcessJson {
  const json = origins.get(info);
  if (json === undefined) {
    throw new TypeError("this process did not come from the SDK: pass the very object that it returned");
  }
  return json;
}

/** An absent message in an answer that must have one is the daemon's fault. */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new PmError("PROTOCOL", `the daemon's answer lacks "${what}"`, { code: "internal" });
  }
  return value;
}

export function processFromJson(json: ProcessJson | undefined): ProcessInfo {
  const process = required(json, "process");
  const info: ProcessInfo = {
    id: required(process.id, "process.id"),
    spec: specFromJson(process.spec ?? {}),
    state: wordFromJson(states, process.state, "the state"),
    run: process.run ?? 0,
    ...(process.pid && { pid: process.pid }),
    createTime: dateFromJson(required(process.createTime, "process.create_time")),
    ...(process.startTime !== undefined && { startTime: dateFromJson(process.startTime) }),
    ...(process.exitTime !== undefined && { exitTime: dateFromJson(process.exitTime) }),
    ...(process.exit !== undefined && { exit: exitFromJson(process.exit) }),
    ...(process.failure !== undefined && { failure: failureFromJson(process.failure) }),
    output: outputInfoFromJson(process.output),
    treeAlive: process.treeAlive ?? false,
    resourceVersion: process.resourceVersion ?? "",
  };
  origins.set(info, process);
  return info;
}

function specFromJson(spec: ProcessSpecJson): ProcessSpec {
  return {
    executable: spec.executable ?? "",
    args: spec.args ?? [],
    env: spec.env ?? {},
    envMode: wordFromJson(envModes, spec.envMode ?? "ENV_MODE_UNSPECIFIED", "the environment mode"),
    cwd: spec.cwd ?? "",
    name: spec.name ?? "",
    labels: spec.labels ?? {},
    outputLimitBytes: Number(spec.outputLimitBytes ?? 0),
    stdin: wordFromJson(stdinModes, spec.stdin ?? "STDIN_MODE_UNSPECIFIED", "the stdin mode"),
    ...(spec.terminal !== undefined && {
      terminal: { rows: spec.terminal.rows ?? 0, columns: spec.terminal.columns ?? 0 },
    }),
    limits: limitsFromJson(spec.limits ?? {}),
    stop: {
      signal: spec.stop?.signal || "SIGTERM",
      graceMs: millisecondsFromJson(spec.stop?.gracePeriod ?? "10s"),
    },
  };
}

function limitsFromJson(limits: LimitsJson): Limits {
  return {
    ...(limits.rlimits !== undefined && {
      rlimits: limits.rlimits.map(({ resource = "", soft, hard }) => ({
        resource,
        ...(soft !== undefined && { soft: BigInt(soft) }),
        ...(hard !== undefined && { hard: BigInt(hard) }),
      })),
    }),
    ...(limits.memoryBytes !== undefined && { memoryBytes: Number(limits.memoryBytes) }),
    ...(limits.cpuMillis !== undefined && { cpuMillis: limits.cpuMillis }),
    ...(limits.processes !== undefined && { processes: limits.processes }),
  };
}

export function exitFromJson(exit: ExitStatusJson): ExitStatus {
  return {
    ...(exit.code !== undefined && { code: exit.code }),
    ...(exit.signal !== undefined && { signal: exit.signal }),
    signalName: exit.signalName ?? "",
    coreDumped: exit.coreDumped ?? false,
    oomKilled: exit.oomKilled ?? false,
    usage: {
      userMs: millisecondsFromJson(exit.usage?.userTime ?? "0s"),
      systemMs: millisecondsFromJson(exit.usage?.systemTime ?? "0s"),
      maxResidentBytes: Number(exit.usage?.maxResidentBytes ?? 0),
    },
  };
}

function failureFromJson(failure: StartFailureJson): StartFailure {
  return {
    step: (failure.step ?? "START_STEP_UNSPECIFIED").replace("START_STEP_", "").toLowerCase(),
    errno: failure.errno ?? 0,
    errnoName: failure.errnoName ?? "",
    message: failure.message ?? "",
    path: failure.path ?? "",
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
  };
}
