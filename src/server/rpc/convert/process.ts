import type { MessageInitShape } from "@bufbuild/protobuf";
import type * as proto from "../../../../gen/ts/pm/v1/process_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import { stateToProto } from "./enums.ts";
import { specToProto } from "./spec.ts";
import { durationFromMicros, timestampFromNanos } from "./time.ts";

export type ProcessMessage = MessageInitShape<typeof proto.ProcessSchema>;

/** Environments often hold secrets: they are answered only where `withEnv` says so. */
export function processToProto(process: engine.ProcessInfo, withEnv: boolean): ProcessMessage {
  return {
    id: process.id,
    spec: specToProto(process.spec, withEnv),
    state: stateToProto[process.state],
    run: process.run,
    pid: process.pid,
    createTime: timestampFromNanos(process.createTime),
    startTime: process.startTime === null ? undefined : timestampFromNanos(process.startTime),
    exitTime: process.exitTime === null ? undefined : timestampFromNanos(process.exitTime),
    exit: process.exit === null ? undefined : exitToProto(process.exit),
    failure: process.failure === null ? undefined : { ...process.failure },
    output: outputInfoToProto(process.output),
    treeAlive: process.treeAlive,
    resourceVersion: process.resourceVersion,
  };
}

export function exitToProto(exit: engine.ExitStatus): MessageInitShape<typeof proto.ExitStatusSchema> {
  return {
    result: exit.signal === null ? { case: "code", value: exit.code ?? 0 } : { case: "signal", value: exit.signal },
    signalName: exit.signalName,
    coreDumped: exit.coreDumped,
    oomKilled: exit.oomKilled,
    usage: {
      userTime: durationFromMicros(exit.usage.userMicros),
      systemTime: durationFromMicros(exit.usage.systemMicros),
      maxResidentBytes: BigInt(exit.usage.maxResidentBytes),
    },
  };
}

export function outputInfoToProto(output: engine.OutputInfo): MessageInitShape<typeof proto.OutputInfoSchema> {
  return {
    firstOffset: BigInt(output.firstOffset),
    nextOffset: BigInt(output.nextOffset),
    complete: output.complete,
    stdoutBytes: BigInt(output.stdoutBytes),
    stderrBytes: BigInt(output.stderrBytes),
    limitBytes: BigInt(output.limitBytes),
  };
}

/** Bytes that a process takes on the wire, to the order: what varies is its text. */
export function approximateSize(process: engine.ProcessInfo, withEnv: boolean): number {
  const { spec } = process;
  let size = 512 + spec.executable.length + spec.cwd.length;
  for (const argument of spec.args) {
    size += argument.length + 4;
  }
  for (const map of withEnv ? [spec.labels, spec.env] : [spec.labels]) {
    for (const [key, value] of Object.entries(map)) {
      size += key.length + value.length + 8;
    }
  }
  return size;
}
