/**
 * The contract's enums and the engine's words for them: one table each, read
 * both ways. A number that an enum does not have was refused before (see
 * edge/unknown.ts).
 */
import { CauseKind } from "../../../../gen/ts/pm/v1/cause_pb.ts";
import { EventType } from "../../../../gen/ts/pm/v1/event_pb.ts";
import { OutputEndReason, OutputStream } from "../../../../gen/ts/pm/v1/output_pb.ts";
import { DesiredState, ProcessState, ProcessView as ProtoView } from "../../../../gen/ts/pm/v1/process_pb.ts";
import {
  ListOrder,
  SignalTarget,
  WaitCondition,
  WatchEventType,
  WatchRemoval,
} from "../../../../gen/ts/pm/v1/process_service_pb.ts";
import { RunState, StopOutcome } from "../../../../gen/ts/pm/v1/run_pb.ts";
import { EnvMode, OutputFullMode, StdinMode } from "../../../../gen/ts/pm/v1/spec_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import type { Wellbeing } from "../../supervision/wait-until.ts";
import type { Field } from "../edge/field.ts";

/** The engine's word for each number; those not in the table mean `unspecified`. */
export function reader<Word extends string>(
  table: Readonly<Record<Word, number>>,
  unspecified: NoInfer<Word>,
): (value: number) => Word {
  const words = wordsOf(table);
  return (value) => words.get(value) ?? unspecified;
}

/** The engine's words, each once, for a list of values, of which none may be unspecified. */
export function listReader<Word extends string>(
  table: Readonly<Record<Word, number>>,
): (values: readonly number[], at: Field) => Word[] {
  const words = wordsOf(table);
  return (values, at) => {
    const read = values.map((value, index) => {
      const word = words.get(value);
      if (word === undefined) {
        at.item(index).refuse("must be specified");
      }
      return word;
    });
    return [...new Set(read.filter((word) => word !== undefined))];
  };
}

function wordsOf<Word extends string>(table: Readonly<Record<Word, number>>): ReadonlyMap<number, Word> {
  return new Map(Object.entries<number>(table).map(([word, number]) => [number, word as Word]));
}

export const stateToProto = {
  starting: ProcessState.STARTING,
  running: ProcessState.RUNNING,
  stopping: ProcessState.STOPPING,
  exited: ProcessState.EXITED,
  failed: ProcessState.FAILED,
  lost: ProcessState.LOST,
  waiting: ProcessState.WAITING,
  givenUp: ProcessState.GIVEN_UP,
} as const satisfies Record<engine.ProcessState, ProcessState>;
export const statesFromProto = listReader(stateToProto);

export const runStateToProto = {
  starting: RunState.STARTING,
  running: RunState.RUNNING,
  stopping: RunState.STOPPING,
  exited: RunState.EXITED,
  failed: RunState.FAILED,
  lost: RunState.LOST,
} as const satisfies Record<engine.RunState, RunState>;

export const desiredStateToProto = {
  running: DesiredState.RUNNING,
  stopped: DesiredState.STOPPED,
} as const satisfies Record<engine.DesiredState, DesiredState>;

export const causeKindToProto = {
  request: CauseKind.REQUEST,
  exit: CauseKind.EXIT,
  restartPolicy: CauseKind.RESTART_POLICY,
  probe: CauseKind.PROBE,
  dependency: CauseKind.DEPENDENCY,
  schedule: CauseKind.SCHEDULE,
  queue: CauseKind.QUEUE,
  retention: CauseKind.RETENTION,
  recovery: CauseKind.RECOVERY,
  startFailure: CauseKind.START_FAILURE,
  boot: CauseKind.BOOT,
  limit: CauseKind.LIMIT,
  project: CauseKind.PROJECT,
} as const satisfies Record<engine.CauseKind, CauseKind>;

export const stopOutcomeToProto = {
  pending: StopOutcome.PENDING,
  stopped: StopOutcome.STOPPED,
  survived: StopOutcome.SURVIVED,
  alreadyStopped: StopOutcome.ALREADY_STOPPED,
} as const satisfies Record<engine.StopOutcome, StopOutcome>;

export const eventTypeToProto = {
  created: EventType.CREATED,
  stateChanged: EventType.STATE_CHANGED,
  stopRequested: EventType.STOP_REQUESTED,
  restartRequested: EventType.RESTART_REQUESTED,
  signaled: EventType.SIGNALED,
  updated: EventType.UPDATED,
  treeGone: EventType.TREE_GONE,
  removed: EventType.REMOVED,
  daemonStarted: EventType.DAEMON_STARTED,
  daemonStopped: EventType.DAEMON_STOPPED,
  waiting: EventType.WAITING,
  ready: EventType.READY,
  notReady: EventType.NOT_READY,
  healthy: EventType.HEALTHY,
  unhealthy: EventType.UNHEALTHY,
  hookFailed: EventType.HOOK_FAILED,
  scheduleSkipped: EventType.SCHEDULE_SKIPPED,
  projectApplied: EventType.PROJECT_APPLIED,
  projectRemoved: EventType.PROJECT_REMOVED,
} as const satisfies Record<engine.EventType, EventType>;
export const eventTypesFromProto = listReader(eventTypeToProto);

export const streamToProto = {
  stdout: OutputStream.STDOUT,
  stderr: OutputStream.STDERR,
  tty: OutputStream.TTY,
} as const satisfies Record<engine.OutputStreamName, OutputStream>;
export const streamsFromProto = listReader(streamToProto);

export const endReasonToProto = {
  complete: OutputEndReason.COMPLETE,
  snapshot: OutputEndReason.SNAPSHOT,
  lost: OutputEndReason.LOST,
  removed: OutputEndReason.REMOVED,
} as const satisfies Record<engine.OutputEnd["reason"], OutputEndReason>;

export const watchEventToProto = {
  added: WatchEventType.ADDED,
  modified: WatchEventType.MODIFIED,
  removed: WatchEventType.REMOVED,
  bookmark: WatchEventType.BOOKMARK,
} as const satisfies Record<engine.WatchEvent["type"], WatchEventType>;

export const removalToProto = {
  removed: WatchRemoval.REMOVED,
  retention: WatchRemoval.RETENTION,
  filter: WatchRemoval.FILTER,
} as const satisfies Record<Extract<engine.WatchEvent, { type: "removed" }>["removal"], WatchRemoval>;

export const envModeToProto = {
  extend: EnvMode.EXTEND,
  replace: EnvMode.REPLACE,
} as const satisfies Record<engine.ProcessSpec["envMode"], EnvMode>;
export const envModeFromProto = reader(envModeToProto, "extend");

export const stdinToProto = {
  null: StdinMode.NULL,
  pipe: StdinMode.PIPE,
} as const satisfies Record<engine.ProcessSpec["stdin"], StdinMode>;
export const stdinFromProto = reader(stdinToProto, "null");

export const whenFullToProto = {
  dropOldest: OutputFullMode.DROP_OLDEST,
  allowHold: OutputFullMode.ALLOW_HOLD,
} as const satisfies Record<engine.OutputPolicy["whenFull"], OutputFullMode>;
export const whenFullFromProto = reader(whenFullToProto, "dropOldest");

export const targetFromProto = reader(
  {
    group: SignalTarget.GROUP,
    main: SignalTarget.MAIN,
    tree: SignalTarget.TREE,
  } as const satisfies Record<engine.SignalTarget, SignalTarget>,
  "group",
);

export const conditionFromProto = reader(
  {
    exited: WaitCondition.EXITED,
    outputComplete: WaitCondition.OUTPUT_COMPLETE,
    treeGone: WaitCondition.TREE_GONE,
  } as const satisfies Record<engine.WaitCondition, WaitCondition>,
  "exited",
);

/** What supervision is asked to wait for; undefined: it is the engine's to wait for. */
export function wellbeingFromProto(condition: WaitCondition): Wellbeing | undefined {
  switch (condition) {
    case WaitCondition.READY:
      return "ready";
    case WaitCondition.HEALTHY:
      return "healthy";
    default:
      return undefined;
  }
}

export const orderFromProto = reader(
  {
    created: ListOrder.CREATED,
    createdDescending: ListOrder.CREATED_DESCENDING,
  } as const satisfies Record<engine.PageRequest["order"], ListOrder>,
  "created",
);

/** How much of a process is sent: see ProcessView of the contract. */
export type ProcessView = "identity" | "summary" | "basic" | "full";

const views: Readonly<Partial<Record<ProtoView, ProcessView>>> = {
  [ProtoView.FULL]: "full",
  [ProtoView.SUMMARY]: "summary",
  [ProtoView.IDENTITY]: "identity",
};

export function viewFromProto(view: ProtoView): ProcessView {
  return views[view] ?? "basic";
}
