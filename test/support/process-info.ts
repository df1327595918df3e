import type { Change, ProcessInfo, ProcessState, RunInfo, RunState } from "../../src/sdk/types.ts";

/** Output of which nothing was written. */
export const noOutput = {
  firstOffset: 0,
  nextOffset: 0,
  complete: false,
  stdoutBytes: 0,
  stderrBytes: 0,
  limitBytes: 1 << 20,
  held: false,
} as const;

/** A process as the SDK answers it, for tests of what is made of it. */
export function processInfo(
  id: string,
  overrides: {
    name?: string;
    state?: ProcessState;
    labels?: Record<string, string>;
    args?: (string | Uint8Array)[];
    run?: number;
    code?: number;
    signal?: string;
    startTime?: Date;
    exitTime?: Date;
    suspended?: boolean;
    lastChange?: Change;
    /** Laid over its run; null: it has none yet. */
    runInfo?: Partial<RunInfo> | null;
  } = {},
): ProcessInfo {
  const state = overrides.state ?? "running";
  const { name, lastChange, runInfo } = overrides;
  const run: RunInfo = {
    number: overrides.run ?? 1,
    state: runState(state),
    ...(state === "running" && { pid: 4242 }),
    createTime: new Date(0),
    ...(state !== "failed" && { startTime: overrides.startTime ?? new Date(0) }),
    ...(overrides.exitTime && { exitTime: overrides.exitTime }),
    ...((overrides.code !== undefined || overrides.signal !== undefined) && {
      exit: {
        ...(overrides.code !== undefined
          ? { code: overrides.code }
          : { signal: 9, signalName: overrides.signal ?? "SIGKILL" }),
        coreDumped: false,
        oomKilled: false,
        usage: { userMs: 0, systemMs: 0, maxResidentBytes: 0 },
      },
    }),
    output: noOutput,
    treeAlive: state === "running",
    suspended: overrides.suspended ?? false,
    effective: {
      cwd: "/",
      outputLimitBytes: 1 << 20,
      stopSignal: "SIGTERM",
      stopGraceMs: 10_000,
      umask: 0o022,
      nice: 0,
      oomScoreAdj: 0,
    },
    survivors: [],
    ...runInfo,
  };
  return {
    id,
    ...(name !== undefined && { name }),
    labels: overrides.labels ?? {},
    spec: {
      executable: "sleep",
      args: overrides.args ?? ["1000"],
      env: {},
      envBytes: [],
      envMode: "extend",
      output: { whenFull: "dropOldest" },
      stdin: "null",
      limits: {},
      stop: {},
    },
    state,
    desiredState: state === "running" ? "running" : "stopped",
    ...(runInfo !== null && { run }),
    createTime: new Date(0),
    sequence: 1,
    resourceVersion: "1",
    ...(lastChange && { lastChange }),
  };
}

/** Where the latest run of a process in this state stands. */
function runState(state: ProcessState): RunState {
  return state === "waiting" || state === "givenUp" ? "exited" : state;
}
