/** Processes, from the contract's JSON to the SDK's vocabulary. */
import type { ChangeJson, ProcessJson } from "../../../gen/ts/pm/v1/process_pb.ts";
import type { Change, ProcessIdentity, ProcessInfo, ProcessState, ProcessSummary } from "../types.ts";
import { withOrigin } from "./origins.ts";
import { supervisionFromJson } from "./policy.ts";
import { causeFromJson, runFromJson, runSummaryFromJson } from "./run.ts";
import { dateFromJson, enumFromJson, required } from "./scalars.ts";
import { commandFromJson, specFromJson } from "./spec.ts";
import { desiredStates, processStates } from "./words.ts";

export function processFromJson(json: ProcessJson | undefined): ProcessInfo {
  const process = required(json, "process");
  return withOrigin(
    {
      id: required(process.id, "process.id"),
      ...(process.name && { name: process.name }),
      labels: process.labels ?? {},
      spec: specFromJson(process.spec ?? {}),
      state: enumFromJson(processStates, process.state, "the state"),
      desiredState: enumFromJson(desiredStates, process.desiredState, "the desired state"),
      ...(process.run !== undefined && { run: runFromJson(process.run) }),
      createTime: dateFromJson(required(process.createTime, "process.create_time")),
      sequence: Number(process.sequence ?? 0),
      resourceVersion: process.resourceVersion ?? "",
      ...(process.lastChange !== undefined && { lastChange: changeFromJson(process.lastChange) }),
      ...(process.supervision !== undefined && { supervision: supervisionFromJson(process.supervision) }),
    },
    process,
  );
}

/** What PROCESS_VIEW_SUMMARY has. */
export function summaryFromJson(process: ProcessJson): ProcessSummary {
  return {
    id: required(process.id, "process.id"),
    ...(process.name && { name: process.name }),
    labels: process.labels ?? {},
    spec: commandFromJson(process.spec ?? {}),
    state: enumFromJson(processStates, process.state, "the state"),
    desiredState: enumFromJson(desiredStates, process.desiredState, "the desired state"),
    ...(process.run !== undefined && { run: runSummaryFromJson(process.run) }),
    createTime: dateFromJson(required(process.createTime, "process.create_time")),
    sequence: Number(process.sequence ?? 0),
    resourceVersion: process.resourceVersion ?? "",
    ...(process.supervision !== undefined && { supervision: supervisionFromJson(process.supervision) }),
  };
}

/** What PROCESS_VIEW_IDENTITY has. */
export function identityFromJson({ id, name }: ProcessJson): ProcessIdentity {
  return { id: required(id, "process.id"), ...(name && { name }) };
}

/** A state of the past. One that this version does not know is nothing to fail for. */
export function pastState(value: string | undefined): ProcessState | undefined {
  const words: Readonly<Record<string, ProcessState>> = processStates;
  return value === undefined ? undefined : words[value];
}

function changeFromJson({ sequence = "0", time, run, from, to, cause }: ChangeJson): Change {
  const [before, after] = [pastState(from), pastState(to)];
  return {
    sequence: Number(sequence),
    time: dateFromJson(required(time, "last_change.time")),
    ...(run && { run }),
    ...(before !== undefined && { from: before }),
    ...(after !== undefined && { to: after }),
    ...(cause !== undefined && { cause: causeFromJson(cause) }),
  };
}
