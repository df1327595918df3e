import type { ProcessSpec } from "../../src/server/engine/api/spec.ts";

/** A script for an engine that runs in this process, with everything else at its default. */
export function shellSpec(script: string): ProcessSpec {
  return {
    executable: "sh",
    args: ["-c", script],
    env: [],
    envMode: "extend",
    cwd: "/",
    output: { limitBytes: 65_536, whenFull: "dropOldest" },
    stdin: "null",
    terminal: null,
    limits: { rlimits: [], memoryBytes: null, cpuMillis: null, processes: null },
    stop: { signal: "", graceMs: null },
    umask: null,
    nice: null,
    oomScoreAdj: null,
  };
}
