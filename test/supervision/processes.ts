/** Processes as the engine tells of them, for tests of what decides about them. */
import type { SupervisionPolicy } from "../../src/server/engine/api/policy.ts";
import type { ProcessInfo } from "../../src/server/engine/api/process.ts";
import type { ExitStatus, RunInfo, RunState } from "../../src/server/engine/api/run.ts";
import { type ProcessSpec, plainSpec } from "../../src/server/engine/api/spec.ts";
import { nothingKept, type Supervision } from "../../src/server/engine/api/supervision.ts";
import { emptyPolicy } from "../../src/server/supervision/project/changes.ts";

export const nobody = { kind: "request", principal: "local", requestId: "", detail: "" } as const;

export function specOf(command: string, change: Partial<ProcessSpec> = {}): ProcessSpec {
  const [executable = "", ...args] = command.split(" ");
  return { ...plainSpec(executable, args), ...change };
}

export function policyOf(change: Partial<SupervisionPolicy>): SupervisionPolicy {
  return { ...emptyPolicy, ...change };
}

export function exitOf(code: number): ExitStatus {
  return {
    code,
    signal: null,
    signalName: "",
    coreDumped: false,
    oomKilled: null,
    usage: { userMicros: 0, systemMicros: 0, maxResidentBytes: 0 },
  };
}

export function runOf(number: number, state: RunState, change: Partial<RunInfo> = {}): RunInfo {
  const ended = state === "exited" || state === "lost";
  return {
    number,
    state,
    cause: nobody,
    pid: null,
    createTime: 0n,
    startTime: number === 0 || state === "starting" || state === "failed" ? null : 1_000_000n,
    exitTime: ended ? 2_000_000n : null,
    exit: state === "exited" ? exitOf(0) : null,
    failure: null,
    output: {
      firstOffset: 0,
      nextOffset: 0,
      complete: ended,
      stdoutBytes: 0,
      stderrBytes: 0,
      limitBytes: 1 << 20,
      held: false,
    },
    treeAlive: false,
    suspended: false,
    effective: null,
    survivors: [],
    stop: null,
    ...change,
  };
}

export const unsupervised: Supervision = { ...nothingKept, run: 1 };

export function processOf(name: string, run: RunInfo, change: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    id: name,
    name,
    labels: {},
    spec: specOf(`/bin/${name}`),
    state: run.number === 0 ? "exited" : run.state,
    desiredState: "running",
    run,
    createTime: 0n,
    sequence: 0,
    resourceVersion: "1",
    lastChange: { sequence: 1, time: 0n, run: run.number, from: null, to: "running", cause: nobody },
    ...change,
  };
}
