/** The contract's enums and the engine's words for them. */
import { OutputEndReason, OutputStream } from "../../../../gen/ts/pm/v1/output_pb.ts";
import { EnvMode, ProcessState, StdinMode } from "../../../../gen/ts/pm/v1/process_pb.ts";
import {
  ProcessView,
  SignalTarget,
  WaitCondition,
  WatchEventType,
} from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import { invalid } from "../validate.ts";

export const stateToProto = {
  starting: ProcessState.STARTING,
  running: ProcessState.RUNNING,
  stopping: ProcessState.STOPPING,
  exited: ProcessState.EXITED,
  failed: ProcessState.FAILED,
  lost: ProcessState.LOST,
} as const satisfies Record<engine.ProcessState, ProcessState>;

export const streamToProto = {
  stdout: OutputStream.STDOUT,
  stderr: OutputStream.STDERR,
  tty: OutputStream.TTY,
} as const satisfies Record<engine.OutputStreamName, OutputStream>;

export const endReasonToProto = {
  complete: OutputEndReason.COMPLETE,
  snapshot: OutputEndReason.SNAPSHOT,
  lost: OutputEndReason.LOST,
  removed: OutputEndReason.REMOVED,
} as const;

export const watchEventToProto = {
  added: WatchEventType.ADDED,
  modified: WatchEventType.MODIFIED,
  removed: WatchEventType.REMOVED,
  bookmark: WatchEventType.BOOKMARK,
} as const satisfies Record<engine.WatchEvent["type"], WatchEventType>;

export const envModeToProto = { extend: EnvMode.EXTEND, replace: EnvMode.REPLACE } as const;

export const stdinToProto = { null: StdinMode.NULL, pipe: StdinMode.PIPE } as const;

const states = new Map<number, engine.ProcessState>(
  Object.entries(stateToProto).map(([name, value]) => [value, name as engine.ProcessState]),
);
const streams = new Map<number, engine.OutputStreamName>(
  Object.entries(streamToProto).map(([name, value]) => [value, name as engine.OutputStreamName]),
);
const envModes = new Map<number, "extend" | "replace">([
  [EnvMode.UNSPECIFIED, "extend"],
  [EnvMode.EXTEND, "extend"],
  [EnvMode.REPLACE, "replace"],
]);
const stdinModes = new Map<number, "null" | "pipe">([
  [StdinMode.UNSPECIFIED, "null"],
  [StdinMode.NULL, "null"],
  [StdinMode.PIPE, "pipe"],
]);
const targets = new Map<number, engine.SignalTarget>([
  [SignalTarget.UNSPECIFIED, "group"],
  [SignalTarget.GROUP, "group"],
  [SignalTarget.MAIN, "main"],
  [SignalTarget.TREE, "tree"],
]);
const conditions = new Map<number, engine.WaitCondition>([
  [WaitCondition.UNSPECIFIED, "exited"],
  [WaitCondition.EXITED, "exited"],
  [WaitCondition.OUTPUT_COMPLETE, "outputComplete"],
  [WaitCondition.TREE_GONE, "treeGone"],
]);
const fullView = new Map<number, boolean>([
  [ProcessView.UNSPECIFIED, false],
  [ProcessView.BASIC, false],
  [ProcessView.FULL, true],
]);

function lookUp<T>(field: string, value: number, known: ReadonlyMap<number, T>): T {
  const found = known.get(value);
  if (found === undefined) {
    throw invalid(field, `${value} is not a value of this enum`);
  }
  return found;
}

export const stateFromProto = (field: string, value: ProcessState) => lookUp(field, value, states);
export const streamFromProto = (field: string, value: OutputStream) => lookUp(field, value, streams);
export const envModeFromProto = (field: string, value: EnvMode) => lookUp(field, value, envModes);
export const stdinFromProto = (field: string, value: StdinMode) => lookUp(field, value, stdinModes);
export const targetFromProto = (field: string, value: SignalTarget) => lookUp(field, value, targets);
export const conditionFromProto = (field: string, value: WaitCondition) => lookUp(field, value, conditions);
/** Whether the environment is answered. */
export const viewIsFull = (field: string, value: ProcessView) => lookUp(field, value, fullView);
