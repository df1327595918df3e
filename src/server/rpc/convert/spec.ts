import type { MessageInitShape } from "@bufbuild/protobuf";
import type * as proto from "../../../../gen/ts/pm/v1/process_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import {
  atLeast,
  dayMs,
  environment,
  executable,
  invalid,
  labels,
  processName,
  quote,
  saturate,
  text,
  within,
  workingDirectory,
} from "../validate.ts";
import { envModeFromProto, envModeToProto, stdinFromProto, stdinToProto } from "./enums.ts";
import { optionalSignalName } from "./signal-name.ts";
import { durationFromMillis, millisFromDuration } from "./time.ts";

const minOutputLimitBytes = 4096;
const rlimitNames = ["as", "core", "cpu", "data", "fsize", "memlock", "nofile", "nproc", "stack"];

/** How long a stop may wait. */
export const graceRange = { min: 0, max: dayMs };

export function specFromProto(spec: proto.ProcessSpec | undefined): engine.ProcessSpec {
  if (spec === undefined) {
    throw invalid("spec", "is required");
  }
  return {
    executable: executable("spec.executable", spec.executable),
    args: spec.args.map((argument, index) => text(`spec.args[${index}]`, argument)),
    env: environment("spec.env", spec.env),
    envMode: envModeFromProto("spec.env_mode", spec.envMode),
    cwd: workingDirectory("spec.cwd", spec.cwd),
    name: processName("spec.name", spec.name),
    labels: labels("spec.labels", spec.labels),
    outputLimitBytes: outputLimit("spec.output_limit_bytes", spec.outputLimitBytes),
    stdin: stdinFromProto("spec.stdin", spec.stdin),
    terminal: spec.terminal === undefined ? null : terminalFromProto("spec.terminal", spec.terminal),
    limits: limitsFromProto(spec.limits),
    stop: {
      signal: optionalSignalName("spec.stop.signal", spec.stop?.signal ?? ""),
      graceMs: millisFromDuration("spec.stop.grace_period", spec.stop?.gracePeriod, graceRange),
    },
  };
}

export function terminalFromProto(field: string, size: proto.TerminalSize | undefined): engine.TerminalSize {
  if (size === undefined) {
    throw invalid(field, "is required");
  }
  return {
    rows: within(`${field}.rows`, size.rows, 1, 65535),
    columns: within(`${field}.columns`, size.columns, 1, 65535),
  };
}

/** The upper bound is the engine's to check. */
function outputLimit(field: string, value: bigint): number {
  return value === 0n ? 0 : atLeast(field, saturate(value), minOutputLimitBytes);
}

function limitsFromProto(limits: proto.Limits | undefined): engine.Limits {
  return {
    rlimits: rlimitsFromProto(limits?.rlimits ?? []),
    memoryBytes: positive("spec.limits.memory_bytes", limits?.memoryBytes),
    cpuMillis: positive("spec.limits.cpu_millis", limits?.cpuMillis),
    processes: positive("spec.limits.processes", limits?.processes),
  };
}

function positive(field: string, value: bigint | number | undefined): number | null {
  return value === undefined ? null : atLeast(field, saturate(BigInt(value)), 1);
}

function rlimitsFromProto(rlimits: readonly proto.ResourceLimit[]): engine.ResourceLimit[] {
  const seen = new Set<string>();
  return rlimits.map((limit, index) => {
    const field = `spec.limits.rlimits[${index}]`;
    if (!rlimitNames.includes(limit.resource)) {
      throw invalid(`${field}.resource`, `must be one of ${rlimitNames.join(", ")}, not ${quote(limit.resource)}`);
    }
    if (seen.has(limit.resource)) {
      throw invalid(`${field}.resource`, `${limit.resource} is given twice`);
    }
    seen.add(limit.resource);
    const soft = limit.soft ?? null;
    const hard = limit.hard ?? null;
    if (hard !== null && (soft === null || soft > hard)) {
      throw invalid(`${field}.soft`, `must not be above hard (${hard})`);
    }
    return { resource: limit.resource, soft, hard };
  });
}

export function specToProto(
  spec: engine.ProcessSpec,
  withEnv: boolean,
): MessageInitShape<typeof proto.ProcessSpecSchema> {
  const { limits, stop } = spec;
  return {
    executable: spec.executable,
    args: [...spec.args],
    env: withEnv ? { ...spec.env } : {},
    envMode: envModeToProto[spec.envMode],
    cwd: spec.cwd,
    name: spec.name,
    labels: { ...spec.labels },
    outputLimitBytes: BigInt(spec.outputLimitBytes),
    stdin: stdinToProto[spec.stdin],
    terminal: spec.terminal === null ? undefined : { ...spec.terminal },
    limits: {
      rlimits: limits.rlimits.map(({ resource, soft, hard }) => ({
        resource,
        soft: soft ?? undefined,
        hard: hard ?? undefined,
      })),
      memoryBytes: limits.memoryBytes === null ? undefined : BigInt(limits.memoryBytes),
      cpuMillis: limits.cpuMillis ?? undefined,
      processes: limits.processes ?? undefined,
    },
    stop: {
      signal: stop.signal,
      gracePeriod: stop.graceMs === null ? undefined : durationFromMillis(stop.graceMs),
    },
  };
}
