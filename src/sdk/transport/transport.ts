/**
 * The seam between what the SDK promises and how bytes travel. Requests and
 * answers are the contract's JSON objects; only their types are imported, so
 * that nothing generated is loaded by a program that makes unary calls.
 */
import type {
  GetInfoRequestJson,
  GetInfoResponseJson,
  ShutdownRequestJson,
  ShutdownResponseJson,
} from "../../../gen/ts/pm/v1/daemon_service_pb.ts";
import type {
  GetOutputRequestJson,
  GetOutputResponseJson,
  GetProcessRequestJson,
  GetProcessResponseJson,
  ListProcessesRequestJson,
  ListProcessesResponseJson,
  PruneProcessesRequestJson,
  PruneProcessesResponseJson,
  RemoveProcessRequestJson,
  RemoveProcessResponseJson,
  ResizeTerminalRequestJson,
  ResizeTerminalResponseJson,
  RestartProcessRequestJson,
  RestartProcessResponseJson,
  SignalProcessRequestJson,
  SignalProcessResponseJson,
  StartProcessRequestJson,
  StartProcessResponseJson,
  StatsProcessesRequestJson,
  StopProcessRequestJson,
  StopProcessResponseJson,
  StreamOutputRequestJson,
  WaitProcessRequestJson,
  WaitProcessResponseJson,
  WatchProcessesRequestJson,
  WatchProcessesResponseJson,
  WriteInputRequestJson,
  WriteInputResponseJson,
} from "../../../gen/ts/pm/v1/process_service_pb.ts";
import type { OutputFrame, UsageSample } from "../types.ts";

/** Every unary RPC by its path below the server's root. */
export interface UnaryMethods {
  "pm.v1.ProcessService/StartProcess": [StartProcessRequestJson, StartProcessResponseJson];
  "pm.v1.ProcessService/StopProcess": [StopProcessRequestJson, StopProcessResponseJson];
  "pm.v1.ProcessService/SignalProcess": [SignalProcessRequestJson, SignalProcessResponseJson];
  "pm.v1.ProcessService/RestartProcess": [RestartProcessRequestJson, RestartProcessResponseJson];
  "pm.v1.ProcessService/GetProcess": [GetProcessRequestJson, GetProcessResponseJson];
  "pm.v1.ProcessService/ListProcesses": [ListProcessesRequestJson, ListProcessesResponseJson];
  "pm.v1.ProcessService/WaitProcess": [WaitProcessRequestJson, WaitProcessResponseJson];
  "pm.v1.ProcessService/GetOutput": [GetOutputRequestJson, GetOutputResponseJson];
  "pm.v1.ProcessService/WriteInput": [WriteInputRequestJson, WriteInputResponseJson];
  "pm.v1.ProcessService/ResizeTerminal": [ResizeTerminalRequestJson, ResizeTerminalResponseJson];
  "pm.v1.ProcessService/RemoveProcess": [RemoveProcessRequestJson, RemoveProcessResponseJson];
  "pm.v1.ProcessService/PruneProcesses": [PruneProcessesRequestJson, PruneProcessesResponseJson];
  "pm.v1.DaemonService/GetInfo": [GetInfoRequestJson, GetInfoResponseJson];
  "pm.v1.DaemonService/Shutdown": [ShutdownRequestJson, ShutdownResponseJson];
}

/** Every server-streaming RPC. What is large or frequent arrives decoded, without a detour over JSON. */
export interface StreamMethods {
  "pm.v1.ProcessService/WatchProcesses": [WatchProcessesRequestJson, WatchProcessesResponseJson];
  "pm.v1.ProcessService/StreamOutput": [StreamOutputRequestJson, OutputFrame];
  "pm.v1.ProcessService/StatsProcesses": [StatsProcessesRequestJson, UsageSample];
}

export type UnaryMethod = keyof UnaryMethods;
export type StreamMethod = keyof StreamMethods;

/** What bounds one call on the wire. */
export interface TransportOptions {
  readonly signal?: AbortSignal | undefined;
  /** Undefined: no limit. */
  readonly timeoutMs?: number | undefined;
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
