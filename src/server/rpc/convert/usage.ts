import type { MessageInitShape } from "@bufbuild/protobuf";
import type { UsageSampleSchema } from "../../../../gen/ts/pm/v1/usage_pb.ts";
import type { UsageSample } from "../../engine/api/usage.ts";
import { durationFromMicros, durationFromMillis, timestampFromNanos } from "./time.ts";

export function sampleToProto(sample: UsageSample): MessageInitShape<typeof UsageSampleSchema> {
  return {
    time: timestampFromNanos(sample.time),
    interval: sample.intervalMs === null ? undefined : durationFromMillis(sample.intervalMs),
    usages: sample.usages.map((usage) => ({
      id: usage.id,
      run: usage.run,
      cpuTime: durationFromMicros(usage.cpuMicros),
      ...(usage.cpuPercent !== null && { cpuPercent: usage.cpuPercent }),
      residentBytes: BigInt(usage.residentBytes),
      io: usage.io ? { readBytes: BigInt(usage.io.readBytes), writtenBytes: BigInt(usage.io.writtenBytes) } : undefined,
      descendants: usage.descendants,
      members: usage.members.map((member) => ({
        pid: member.pid,
        parentPid: member.parentPid,
        command: member.command,
        state: member.state,
        cpuTime: durationFromMicros(member.cpuMicros),
        residentBytes: BigInt(member.residentBytes),
      })),
    })),
  };
}
