/** The enums of the contract and the SDK's words for them. */
import type { CauseKindJson } from "../../../gen/ts/pm/v1/cause_pb.ts";
import type { EventTypeJson } from "../../../gen/ts/pm/v1/event_pb.ts";
import type { OutputEndReasonJson, OutputStreamJson } from "../../../gen/ts/pm/v1/output_pb.ts";
import type { DesiredStateJson, ProcessStateJson } from "../../../gen/ts/pm/v1/process_pb.ts";
import type {
  ListOrderJson,
  SignalTargetJson,
  WaitConditionJson,
  WatchRemovalJson,
} from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type { RunStateJson, StopOutcomeJson } from "../../../gen/ts/pm/v1/run_pb.ts";
import type { EnvModeJson, OutputFullModeJson, StdinModeJson } from "../../../gen/ts/pm/v1/spec_pb.ts";
import type {
  CauseKind,
  DesiredState,
  EventType,
  ListOptions,
  OutputEndReason,
  OutputFullMode,
  OutputStreamName,
  ProcessSpec,
  ProcessState,
  RunState,
  SignalTarget,
  StopOutcome,
  WaitCondition,
  WatchRemoval,
} from "../types.ts";

/** The values of an enum but the one that says nothing. */
export type Known<Value extends string> = Exclude<Value, `${string}_UNSPECIFIED`>;

export const runStates = {
  RUN_STATE_STARTING: "starting",
  RUN_STATE_RUNNING: "running",
  RUN_STATE_STOPPING: "stopping",
  RUN_STATE_EXITED: "exited",
  RUN_STATE_FAILED: "failed",
  RUN_STATE_LOST: "lost",
} as const satisfies Record<Known<RunStateJson>, RunState>;

export const processStates = {
  PROCESS_STATE_STARTING: "starting",
  PROCESS_STATE_RUNNING: "running",
  PROCESS_STATE_STOPPING: "stopping",
  PROCESS_STATE_EXITED: "exited",
  PROCESS_STATE_FAILED: "failed",
  PROCESS_STATE_LOST: "lost",
  PROCESS_STATE_WAITING: "waiting",
  PROCESS_STATE_GIVEN_UP: "givenUp",
} as const satisfies Record<Known<ProcessStateJson>, ProcessState>;

export const desiredStates = {
  DESIRED_STATE_RUNNING: "running",
  DESIRED_STATE_STOPPED: "stopped",
} as const satisfies Record<Known<DesiredStateJson>, DesiredState>;

export const causeKinds = {
  CAUSE_KIND_REQUEST: "request",
  CAUSE_KIND_EXIT: "exit",
  CAUSE_KIND_RESTART_POLICY: "restartPolicy",
  CAUSE_KIND_PROBE: "probe",
  CAUSE_KIND_DEPENDENCY: "dependency",
  CAUSE_KIND_SCHEDULE: "schedule",
  CAUSE_KIND_QUEUE: "queue",
  CAUSE_KIND_RETENTION: "retention",
  CAUSE_KIND_RECOVERY: "recovery",
  CAUSE_KIND_START_FAILURE: "startFailure",
  CAUSE_KIND_BOOT: "boot",
  CAUSE_KIND_LIMIT: "limit",
  CAUSE_KIND_PROJECT: "project",
} as const satisfies Record<Known<CauseKindJson>, CauseKind>;

export const eventTypes = {
  EVENT_TYPE_CREATED: "created",
  EVENT_TYPE_STATE_CHANGED: "stateChanged",
  EVENT_TYPE_STOP_REQUESTED: "stopRequested",
  EVENT_TYPE_RESTART_REQUESTED: "restartRequested",
  EVENT_TYPE_SIGNALED: "signaled",
  EVENT_TYPE_UPDATED: "updated",
  EVENT_TYPE_TREE_GONE: "treeGone",
  EVENT_TYPE_REMOVED: "removed",
  EVENT_TYPE_DAEMON_STARTED: "daemonStarted",
  EVENT_TYPE_DAEMON_STOPPED: "daemonStopped",
  EVENT_TYPE_WAITING: "waiting",
  EVENT_TYPE_READY: "ready",
  EVENT_TYPE_NOT_READY: "notReady",
  EVENT_TYPE_HEALTHY: "healthy",
  EVENT_TYPE_UNHEALTHY: "unhealthy",
  EVENT_TYPE_HOOK_FAILED: "hookFailed",
  EVENT_TYPE_SCHEDULE_SKIPPED: "scheduleSkipped",
  EVENT_TYPE_PROJECT_APPLIED: "projectApplied",
  EVENT_TYPE_PROJECT_REMOVED: "projectRemoved",
} as const satisfies Record<Known<EventTypeJson>, EventType>;

export const stopOutcomes = {
  STOP_OUTCOME_PENDING: "pending",
  STOP_OUTCOME_STOPPED: "stopped",
  STOP_OUTCOME_SURVIVED: "survived",
  STOP_OUTCOME_ALREADY_STOPPED: "alreadyStopped",
} as const satisfies Record<Known<StopOutcomeJson>, StopOutcome>;

export const outputStreams = {
  OUTPUT_STREAM_STDOUT: "stdout",
  OUTPUT_STREAM_STDERR: "stderr",
  OUTPUT_STREAM_TTY: "tty",
} as const satisfies Record<Known<OutputStreamJson>, OutputStreamName>;

export const outputEndReasons = {
  OUTPUT_END_REASON_COMPLETE: "complete",
  OUTPUT_END_REASON_SNAPSHOT: "snapshot",
  OUTPUT_END_REASON_LOST: "lost",
  OUTPUT_END_REASON_REMOVED: "removed",
} as const satisfies Record<Known<OutputEndReasonJson>, OutputEndReason>;

/** By number, as binary frames have them. The order of the contract. */
export const outputStreamsByNumber: readonly (OutputStreamName | undefined)[] = [
  undefined,
  ...Object.values(outputStreams),
];
export const outputEndReasonsByNumber: readonly (OutputEndReason | undefined)[] = [
  undefined,
  ...Object.values(outputEndReasons),
];

export const watchRemovals = {
  WATCH_REMOVAL_REMOVED: "removed",
  WATCH_REMOVAL_RETENTION: "retention",
  WATCH_REMOVAL_FILTER: "filter",
} as const satisfies Record<Known<WatchRemovalJson>, WatchRemoval>;

export const envModes = {
  ENV_MODE_EXTEND: "extend",
  ENV_MODE_REPLACE: "replace",
} as const satisfies Record<Known<EnvModeJson>, ProcessSpec["envMode"]>;

export const stdinModes = {
  STDIN_MODE_NULL: "null",
  STDIN_MODE_PIPE: "pipe",
} as const satisfies Record<Known<StdinModeJson>, ProcessSpec["stdin"]>;

export const outputFullModes = {
  OUTPUT_FULL_MODE_DROP_OLDEST: "dropOldest",
  OUTPUT_FULL_MODE_ALLOW_HOLD: "allowHold",
} as const satisfies Record<Known<OutputFullModeJson>, OutputFullMode>;

export const signalTargets = {
  SIGNAL_TARGET_GROUP: "group",
  SIGNAL_TARGET_MAIN: "main",
  SIGNAL_TARGET_TREE: "tree",
} as const satisfies Record<Known<SignalTargetJson>, SignalTarget>;

export const waitConditions = {
  WAIT_CONDITION_EXITED: "exited",
  WAIT_CONDITION_OUTPUT_COMPLETE: "outputComplete",
  WAIT_CONDITION_TREE_GONE: "treeGone",
  WAIT_CONDITION_READY: "ready",
  WAIT_CONDITION_HEALTHY: "healthy",
} as const satisfies Record<Known<WaitConditionJson>, WaitCondition>;

export const listOrders = {
  LIST_ORDER_CREATED: "oldestFirst",
  LIST_ORDER_CREATED_DESCENDING: "newestFirst",
} as const satisfies Record<Known<ListOrderJson>, NonNullable<ListOptions["order"]>>;
