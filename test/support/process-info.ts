import type { ProcessInfo, ProcessState } from "../../src/sdk/types.ts";

/** A process as the SDK answers it, for tests of what is made of it. */
export function processInfo(
  id: string,
  overrides: {
    name?: string;
    state?: ProcessState;
    labels?: Record<string, string>;
    args?: string[];
    run?: number;
    code?: number;
    signal?: string;
    startTime?: Date;
    exitTime?: Date;
  } = {},
): ProcessInfo {
  const state = overrides.state ?? "running";
  return {
    id,
    spec: {
      executable: "sleep",
      args: overrides.args ?? ["1000"],
      env: {},
      envMode: "extend",
      cwd: "/",
      name: overrides.name ?? "",
      labels: overrides.labels ?? {},
      outputLimitBytes: 1 << 20,
      stdin: "null",
      limits: {},
      stop: { signal: "SIGTERM", graceMs: 10_000 },
    },
    state,
    run: overrides.run ?? 1,
    ...(state === "running" && { pid: 4242 }),
    createTime: new Date(0),
    ...(state !== "failed" && { startTime: overrides.startTime ?? new Date(0) }),
    ...(overrides.exitTime && { exitTime: overrides.exitTime }),
    ...((overrides.code !== undefined || overrides.signal !== undefined) && {
      exit: {
        ...(overrides.code !== undefined ? { code: overrides.code } : { signal: 9 }),
        signalName: overrides.signal ?? "",
        coreDumped: false,
        oomKilled: false,
        usage: { userMs: 0, systemMs: 0, maxResidentBytes: 0 },
      },
    }),
    output: { firstOffset: 0, nextOffset: 0, complete: false, stdoutBytes: 0, stderrBytes: 0, limitBytes: 1 << 20 },
    treeAlive: state === "running",
    resourceVersion: "1",
  };
}
