import type { MessageInitShape } from "@bufbuild/protobuf";
import type * as proto from "../../../../gen/ts/pm/v1/process_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import { causeToProto } from "./cause.ts";
import { desiredStateToProto, type ProcessView, stateToProto } from "./enums.ts";
import { runSummaryToProto, runToProto } from "./run.ts";
import { commandToProto, specToProto } from "./spec.ts";
import { supervisionToProto } from "./supervision.ts";
import { timestampFromNanos } from "./time.ts";

export type ProcessMessage = MessageInitShape<typeof proto.ProcessSchema>;

/** Where a process stands in its queue, from 1; 0: it waits in none. */
export interface QueuePositions {
  queuePosition(process: engine.ProcessInfo): number;
}

/** Environments often hold secrets: they are sent only in the view that has everything. */
export function processToProto(
  process: engine.ProcessInfo,
  queues: QueuePositions,
  view: ProcessView = "basic",
): ProcessMessage {
  if (view === "identity") return { id: process.id, name: process.name };
  const isSummary = view === "summary";
  return {
    id: process.id,
    name: process.name,
    labels: { ...process.labels },
    spec: isSummary ? commandToProto(process.spec) : specToProto(process.spec, view === "full"),
    state: stateToProto[process.state],
    desiredState: desiredStateToProto[process.desiredState],
    // Number 0: there has been none yet.
    run: process.run.number === 0 ? undefined : isSummary ? runSummaryToProto(process.run) : runToProto(process.run),
    createTime: timestampFromNanos(process.createTime),
    sequence: BigInt(process.sequence),
    resourceVersion: process.resourceVersion,
    ...(!isSummary && { lastChange: changeToProto(process.lastChange) }),
    supervision:
      process.supervision === undefined
        ? undefined
        : supervisionToProto(process, process.supervision, queues.queuePosition(process)),
  };
}

function changeToProto(change: engine.Change): MessageInitShape<typeof proto.ChangeSchema> {
  return {
    sequence: BigInt(change.sequence),
    time: timestampFromNanos(change.time),
    run: change.run,
    ...(change.from !== null && { from: stateToProto[change.from] }),
    to: stateToProto[change.to],
    cause: causeToProto(change.cause),
  };
}

/** Bytes that a process takes on the wire, to the order: what varies is its text. */
export function approximateSize({ spec, labels, run, name }: engine.ProcessInfo, view: ProcessView): number {
  if (view === "identity") return 80 + name.length;
  let size = (view === "summary" ? 384 : 1024) + spec.executable.length + spec.cwd.length;
  for (const argument of spec.args) {
    size += argument.length + 4;
  }
  for (const { name, value } of view === "full" ? spec.env : []) {
    size += name.length + value.length + 8;
  }
  for (const [key, value] of Object.entries(labels)) {
    size += key.length + value.length + 8;
  }
  for (const { command } of [...run.survivors, ...(run.stop?.survivors ?? [])]) {
    size += command.length + 32;
  }
  return size;
}
