import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Limits, ProcessSpecSchema, ResourceLimit } from "../../../../gen/ts/pm/v1/spec_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import type { Field } from "../edge/field.ts";
import { atLeast, quote, saturate } from "../edge/rules.ts";

/** getrlimit(2) without "RLIMIT_", in lower case. */
const rlimitNames: readonly string[] = [
  "as",
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
];

export function limitsFromProto(limits: Limits | undefined, at: Field): engine.Limits {
  return {
    rlimits: rlimitsFromProto(limits?.rlimits ?? [], at.child("rlimits")),
    memoryBytes: positive(limits?.memoryBytes, at.child("memory_bytes")),
    cpuMillis: positive(limits?.cpuMillis, at.child("cpu_millis")),
    processes: positive(limits?.processes, at.child("processes")),
  };
}

export function limitsToProto({
  rlimits,
  memoryBytes,
  cpuMillis,
  processes,
}: engine.Limits): MessageInitShape<typeof ProcessSpecSchema> {
  if (rlimits.length === 0 && memoryBytes === null && cpuMillis === null && processes === null) {
    return {};
  }
  return {
    limits: {
      rlimits: rlimits.map(({ resource, soft, hard }) => ({
        resource,
        ...(soft !== null && { soft }),
        ...(hard !== null && { hard }),
      })),
      ...(memoryBytes !== null && { memoryBytes: BigInt(memoryBytes) }),
      ...(cpuMillis !== null && { cpuMillis }),
      ...(processes !== null && { processes }),
    },
  };
}

function positive(value: bigint | number | undefined, at: Field): number | null {
  return value === undefined ? null : atLeast(saturate(BigInt(value)), 1, at);
}

function rlimitsFromProto(rlimits: readonly ResourceLimit[], at: Field): engine.ResourceLimit[] {
  const seen = new Set<string>();
  return rlimits.map(({ resource, soft = null, hard = null }, index) => {
    const here = at.item(index);
    if (!rlimitNames.includes(resource)) {
      here.child("resource").refuse(`must be one of ${rlimitNames.join(", ")}, not ${quote(resource)}`);
    } else if (seen.has(resource)) {
      here.child("resource").refuse(`${resource} is given twice`);
    }
    seen.add(resource);
    if (hard !== null && (soft === null || soft > hard)) {
      here.child("soft").refuse(`must not be above hard (${hard}), and is ${soft ?? "unlimited"}`);
    }
    return { resource, soft, hard };
  });
}
