/** Samples of usage, from protobuf messages to the SDK's vocabulary. */
import { type Duration, timestampDate } from "@bufbuild/protobuf/wkt";
import type {
  ProcessUsage as ProcessUsageMessage,
  UsageSample as UsageSampleMessage,
} from "../../../gen/ts/pm/v1/usage_pb.ts";
import { required } from "../json/process.ts";
import type { ProcessUsage, UsageSample } from "../types.ts";

export function sampleFromMessage(sample: UsageSampleMessage | undefined): UsageSample {
  const { time, interval, usages } = required(sample, "sample");
  return {
    time: timestampDate(required(time, "sample.time")),
    ...(interval !== undefined && { intervalMs: milliseconds(interval) }),
    usages: usages.map(usageFromMessage),
  };
}

function usageFromMessage(usage: ProcessUsageMessage): ProcessUsage {
  const { id, run, cpuTime, cpuPercent, residentBytes, io, descendants, members } = usage;
  return {
    id,
    run,
    cpuMs: milliseconds(cpuTime),
    ...(cpuPercent !== undefined && { cpuPercent }),
    residentBytes: Number(residentBytes),
    ...(io !== undefined && { io: { readBytes: Number(io.readBytes), writtenBytes: Number(io.writtenBytes) } }),
    descendants,
    members: members.map((member) => ({
      pid: member.pid,
      parentPid: member.parentPid,
      command: member.command,
      state: member.state,
      cpuMs: milliseconds(member.cpuTime),
      residentBytes: Number(member.residentBytes),
    })),
  };
}

function milliseconds(duration: Duration | undefined): number {
  // The library's own conversion rounds to whole milliseconds.
  return duration === undefined ? 0 : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}
