import { join } from "node:path";
import type { ProcessSpec } from "../api/spec.ts";
import { rlimitNumber } from "../limits/rlimits.ts";
import type { ResolvedOptions } from "../options.ts";
import type { ShimSpec } from "../shim/spec.ts";

const defaultPath = "/usr/local/bin:/usr/bin:/bin";

/** A process's spec in the shim's terms: nothing left to look up or decide. */
export function shimSpec(spec: ProcessSpec, options: ResolvedOptions, cgroup: string): ShimSpec {
  const environment = environmentOf(spec, options);
  return {
    outputLimit: spec.outputLimitBytes,
    stdin: spec.stdin,
    terminal: spec.terminal,
    rlimits: spec.limits.rlimits.flatMap(({ resource, soft, hard }) => {
      const number = rlimitNumber(resource);
      return number === undefined ? [] : [{ resource: number, soft, hard }];
    }),
    umask: 0o022,
    nice: null,
    oomScoreAdj: null,
    notify: false,
    cwd: workingDirectory(spec, options),
    cgroup,
    paths: pathCandidates(spec, options),
    args: [spec.executable, ...spec.args],
    env: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
  };
}

export function workingDirectory(spec: ProcessSpec, options: ResolvedOptions): string {
  return spec.cwd === "" ? options.home : spec.cwd;
}

/** Where execvp(3) would look, with the process's own PATH: an empty element is the working directory. */
export function pathCandidates(spec: ProcessSpec, options: ResolvedOptions): string[] {
  if (spec.executable.includes("/")) return [spec.executable];
  const path = environmentOf(spec, options)["PATH"] ?? defaultPath;
  const cwd = workingDirectory(spec, options);
  return path.split(":").map((directory) => join(directory === "" ? cwd : directory, spec.executable));
}

function environmentOf(spec: ProcessSpec, options: ResolvedOptions): Readonly<Record<string, string>> {
  return spec.envMode === "replace" ? spec.env : { ...options.environment, ...spec.env };
}
