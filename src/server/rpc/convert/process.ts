import { create } from "@bufbuild/protobuf";
import { type Change, type Process, ProcessSchema, ProcessState } from "../../../../gen/ts/pm/v1/process_pb.ts";
import { RunSchema } from "../../../../gen/ts/pm/v1/run_pb.ts";
import { ProcessSpecSchema } from "../../../../gen/ts/pm/v1/spec_pb.ts";
import { SupervisionStatusSchema } from "../../../../gen/ts/pm/v1/supervision_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import { causeToProto } from "./cause.ts";
import { desiredStateToProto, type ProcessView, stateToProto } from "./enums.ts";
import { runSummaryToProto, runToProto } from "./run.ts";
import { commandToProto, specToProto } from "./spec.ts";
import { supervisionToProto } from "./supervision.ts";
import { timestampFromNanos } from "./time.ts";

/** Where a process stands in its queue, from 1; 0: it waits in none. */
export interface QueuePositions {
  queuePosition(process: engine.ProcessInfo): number;
}

/** Environments often hold secrets: they are sent only in the view that has everything. */
export function processToProto(
  process: engine.ProcessInfo,
  queues: QueuePositions,
  view: ProcessView = "basic",
): Process {
  const { id, name, run, supervision } = process;
  if (view === "identity") return create(ProcessSchema, { id, name });
  const isSummary = view === "summary";
  // A finished message, every field of it: `create()` would make it and all in it once more.
  return {
    $typeName: "pm.v1.Process",
    id,
    name,
    labels: { ...process.labels },
    spec: create(
      ProcessSpecSchema,
      isSummary ? commandToProto(process.spec) : specToProto(process.spec, view === "full"),
    ),
    state: stateToProto[process.state],
    desiredState: desiredStateToProto[process.desiredState],
    // Number 0: there has been none yet.
    run: run.number === 0 ? undefined : isSummary ? create(RunSchema, runSummaryToProto(run)) : runToProto(run),
    createTime: timestampFromNanos(process.createTime),
    sequence: BigInt(process.sequence),
    resourceVersion: process.resourceVersion,
    lastChange: isSummary ? undefined : changeToProto(process.lastChange),
    supervision:
      supervision === undefined
        ? undefined
        : create(SupervisionStatusSchema, supervisionToProto(process, supervision, queues.queuePosition(process))),
  };
}

function changeToProto({ sequence, time, run, from, to, cause }: engine.Change): Change {
  return {
    $typeName: "pm.v1.Change",
    sequence: BigInt(sequence),
    time: timestampFromNanos(time),
    run,
    from: from === null ? ProcessState.UNSPECIFIED : stateToProto[from],
    to: stateToProto[to],
    cause: causeToProto(cause),
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
