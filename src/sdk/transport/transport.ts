/**
 * The seam between what the SDK promises and how bytes travel. Requests and
 * responses are the contract's JSON objects; only their types are imported, so
 * that nothing generated is loaded by a program that makes unary calls.
 */
import type * as Daemon from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import type * as Events from "../../../gen/ts/pm/v1/event_service_pb.ts";
import type * as Processes from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type * as Projects from "../../../gen/ts/pm/v1/project_service_pb.ts";
import type * as Queues from "../../../gen/ts/pm/v1/queue_service_pb.ts";
import type * as Schedules from "../../../gen/ts/pm/v1/schedule_service_pb.ts";
import type { OutputChunk, OutputCursor, OutputEnd, OutputFrame, OutputGap, OutputInfo } from "../types.ts";

/** Every unary RPC by its path below the server's root. */
export interface UnaryMethods {
  "pm.v1.ProcessService/StartProcess": [Processes.StartProcessRequestJson, Processes.StartProcessResponseJson];
  "pm.v1.ProcessService/StopProcess": [Processes.StopProcessRequestJson, Processes.StopProcessResponseJson];
  "pm.v1.ProcessService/SignalProcess": [Processes.SignalProcessRequestJson, Processes.SignalProcessResponseJson];
  "pm.v1.ProcessService/RestartProcess": [Processes.RestartProcessRequestJson, Processes.RestartProcessResponseJson];
  "pm.v1.ProcessService/UpdateProcess": [Processes.UpdateProcessRequestJson, Processes.UpdateProcessResponseJson];
  "pm.v1.ProcessService/GetProcess": [Processes.GetProcessRequestJson, Processes.GetProcessResponseJson];
  "pm.v1.ProcessService/ListProcesses": [Processes.ListProcessesRequestJson, Processes.ListProcessesResponseJson];
  "pm.v1.ProcessService/ListRuns": [Processes.ListRunsRequestJson, Processes.ListRunsResponseJson];
  "pm.v1.ProcessService/WaitProcess": [Processes.WaitProcessRequestJson, Processes.WaitProcessResponseJson];
  "pm.v1.ProcessService/GetOutput": [Processes.GetOutputRequestJson, Processes.GetOutputResponseJson];
  "pm.v1.ProcessService/AcknowledgeOutput": [
    Processes.AcknowledgeOutputRequestJson,
    Processes.AcknowledgeOutputResponseJson,
  ];
  "pm.v1.ProcessService/WriteInput": [Processes.WriteInputRequestJson, Processes.WriteInputResponseJson];
  "pm.v1.ProcessService/ResizeTerminal": [Processes.ResizeTerminalRequestJson, Processes.ResizeTerminalResponseJson];
  "pm.v1.ProcessService/RemoveProcess": [Processes.RemoveProcessRequestJson, Processes.RemoveProcessResponseJson];
  "pm.v1.ProcessService/PruneProcesses": [Processes.PruneProcessesRequestJson, Processes.PruneProcessesResponseJson];
  "pm.v1.DaemonService/GetInfo": [Daemon.GetInfoRequestJson, Daemon.GetInfoResponseJson];
  "pm.v1.DaemonService/Shutdown": [Daemon.ShutdownRequestJson, Daemon.ShutdownResponseJson];
  "pm.v1.ScheduleService/SetSchedule": [Schedules.SetScheduleRequestJson, Schedules.SetScheduleResponseJson];
  "pm.v1.ScheduleService/GetSchedule": [Schedules.GetScheduleRequestJson, Schedules.GetScheduleResponseJson];
  "pm.v1.ScheduleService/ListSchedules": [Schedules.ListSchedulesRequestJson, Schedules.ListSchedulesResponseJson];
  "pm.v1.ScheduleService/PauseSchedule": [Schedules.PauseScheduleRequestJson, Schedules.PauseScheduleResponseJson];
  "pm.v1.ScheduleService/TriggerSchedule": [
    Schedules.TriggerScheduleRequestJson,
    Schedules.TriggerScheduleResponseJson,
  ];
  "pm.v1.ScheduleService/RemoveSchedule": [Schedules.RemoveScheduleRequestJson, Schedules.RemoveScheduleResponseJson];
  "pm.v1.QueueService/SetQueue": [Queues.SetQueueRequestJson, Queues.SetQueueResponseJson];
  "pm.v1.QueueService/GetQueue": [Queues.GetQueueRequestJson, Queues.GetQueueResponseJson];
  "pm.v1.QueueService/ListQueues": [Queues.ListQueuesRequestJson, Queues.ListQueuesResponseJson];
  "pm.v1.QueueService/MoveInQueue": [Queues.MoveInQueueRequestJson, Queues.MoveInQueueResponseJson];
  "pm.v1.QueueService/RemoveQueue": [Queues.RemoveQueueRequestJson, Queues.RemoveQueueResponseJson];
  "pm.v1.ProjectService/GetProject": [Projects.GetProjectRequestJson, Projects.GetProjectResponseJson];
  "pm.v1.ProjectService/ListProjects": [Projects.ListProjectsRequestJson, Projects.ListProjectsResponseJson];
}

/** Every server-streaming RPC. Output arrives decoded, without a detour over JSON; kinds of frames that are not known do not. */
export interface StreamMethods {
  "pm.v1.ProcessService/StopProcesses": [Processes.StopProcessesRequestJson, Processes.StopProcessesResponseJson];
  "pm.v1.ProcessService/SignalProcesses": [Processes.SignalProcessesRequestJson, Processes.SignalProcessesResponseJson];
  "pm.v1.ProcessService/RestartProcesses": [
    Processes.RestartProcessesRequestJson,
    Processes.RestartProcessesResponseJson,
  ];
  "pm.v1.ProcessService/RemoveProcesses": [Processes.RemoveProcessesRequestJson, Processes.RemoveProcessesResponseJson];
  "pm.v1.ProcessService/WatchProcesses": [Processes.WatchProcessesRequestJson, Processes.WatchProcessesResponseJson];
  "pm.v1.ProcessService/StatsProcesses": [Processes.StatsProcessesRequestJson, Processes.StatsProcessesResponseJson];
  "pm.v1.ProcessService/StreamOutput": [Processes.StreamOutputRequestJson, OutputFrame];
  "pm.v1.ProcessService/StreamOutputs": [Processes.StreamOutputsRequestJson, WireOutputsFrame];
  "pm.v1.EventService/StreamEvents": [Events.StreamEventsRequestJson, Events.StreamEventsResponseJson];
  "pm.v1.ProjectService/ApplyProject": [Projects.ApplyProjectRequestJson, Projects.ApplyProjectResponseJson];
  "pm.v1.ProjectService/RemoveProject": [Projects.RemoveProjectRequestJson, Projects.RemoveProjectResponseJson];
}

/** A frame of many processes, whose members have numbers that mean something within one RPC only. */
export type WireOutputsFrame =
  | { readonly type: "opened"; readonly selected: number }
  | {
      readonly type: "memberOpened";
      readonly number: number;
      readonly processId: string;
      readonly processName: string;
      readonly run: number;
      readonly startOffset: number;
      readonly output: OutputInfo;
    }
  | ({ readonly type: "chunk"; readonly number: number } & OutputChunk)
  | ({ readonly type: "gap"; readonly number: number } & OutputGap)
  | ({ readonly type: "memberEnd"; readonly number: number } & OutputEnd)
  | { readonly type: "heartbeat"; readonly cursors: readonly OutputCursor[] };

export type UnaryMethod = keyof UnaryMethods;
export type StreamMethod = keyof StreamMethods;

/** What bounds one call on the wire. */
export interface TransportOptions {
  readonly signal?: AbortSignal | undefined;
  /** Undefined: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Of a unary call: it may be sent again though it may have taken effect. Default: no. */
  readonly repeatable?: boolean;
  /** Of a stream: the bytes of an item may be overwritten once the next one is asked for. Default: no. */
  readonly reuse?: boolean;
  /** Of a stream of output: only bytes matter, so that chunks that came together may be one. Default: no. */
  readonly joins?: boolean;
}

/** One way to a daemon. Every failure is a `PmError`. */
export interface Transport {
  unary<M extends UnaryMethod>(
    method: M,
    request: UnaryMethods[M][0],
    options: TransportOptions,
  ): Promise<UnaryMethods[M][1]>;
  /** Begins the RPC with the first `next()`; leaving the iteration in any way cancels it on the server. */
  stream<M extends StreamMethod>(
    method: M,
    request: StreamMethods[M][0],
    options: TransportOptions,
  ): AsyncIterable<StreamMethods[M][1]>;
  /** Cancels what is under way and frees connections; later calls reject with `ABORTED`. */
  close(): void;
}
