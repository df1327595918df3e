import { isDeepStrictEqual } from "node:util";
import type { EffectiveSpec } from "../api/run.ts";
import type { ProcessSpec, TreeLimits } from "../api/spec.ts";
import { EngineError } from "../errors.ts";
import type { ResolvedOptions } from "../options.ts";
import { isEmpty, show } from "./text.ts";

/** The spec as it is kept: what the edge has made of it, with the output limit of this daemon. */
export function normalizeSpec(spec: ProcessSpec, options: ResolvedOptions): ProcessSpec {
  return { ...spec, output: { ...spec.output, limitBytes: outputLimit(spec.output.limitBytes, options) } };
}

export function treeLimits({ limits: { memoryBytes, cpuMillis, processes } }: ProcessSpec): TreeLimits {
  return { memoryBytes, cpuMillis, processes };
}

/** What defaults make of a normalized spec. */
export function effectiveSpec(spec: ProcessSpec, options: ResolvedOptions): EffectiveSpec {
  return {
    cwd: show(isEmpty(spec.cwd) ? options.home : spec.cwd),
    outputLimitBytes: spec.output.limitBytes,
    stopSignal: spec.stop.signal || "SIGTERM",
    stopGraceMs: spec.stop.graceMs ?? options.defaultGraceMs,
    umask: spec.umask ?? 0o022,
    nice: spec.nice ?? 0,
    oomScoreAdj: spec.oomScoreAdj ?? 0,
  };
}

export function sameSpec(a: ProcessSpec, b: ProcessSpec): boolean {
  return isDeepStrictEqual(a, b);
}

function outputLimit(bytes: number, options: ResolvedOptions): number {
  if (bytes === 0) return options.defaultOutputLimitBytes;
  if (bytes > options.maxOutputLimitBytes) {
    throw new EngineError(
      "LIMIT_EXCEEDED",
      `the output limit of ${bytes} bytes is above this daemon's maximum of ${options.maxOutputLimitBytes}`,
      { limit: "max_output_limit_bytes" },
    );
  }
  return bytes;
}
