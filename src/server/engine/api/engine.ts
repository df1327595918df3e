/**
 * What the engine can do, in terms that know nothing of RPC. `server/rpc`
 * translates the contract to this and back; the meaning of every field is
 * documented at its namesake in `proto/pm/v1`.
 */

import type { SignalTarget, StopOptions, StopResult, WaitCondition } from "./control.ts";
import type { PageRequest, ProcessFilter, ProcessPage } from "./list.ts";
import type { OutputFrame, OutputRead, ReadOutputOptions, StreamOutputOptions } from "./output.ts";
import type { ProcessInfo, ProcessState } from "./process.ts";
import type { ProcessSpec, TerminalSize } from "./spec.ts";
import type { StatsOptions, UsageSample } from "./usage.ts";
import type { WatchEvent } from "./watch.ts";

export interface EngineInfo {
  readonly defaultOutputLimitBytes: number;
  readonly maxOutputLimitBytes: number;
  readonly maxProcesses: number;
  readonly cgroupLimits: boolean;
  readonly counts: Readonly<Record<ProcessState, number>>;
}

/**
 * The engine. `ref` is a process reference as `ProcessService` documents it.
 * Every method that waits takes an AbortSignal: aborting it ends the waiting,
 * rejects with the signal's reason, and undoes nothing.
 */
export interface Engine {
  info(): EngineInfo;
  start(request: { id: string; spec: ProcessSpec }): Promise<{ process: ProcessInfo; existing: boolean }>;
  stop(ref: string, options: StopOptions, signal?: AbortSignal): Promise<StopResult>;
  signal(ref: string, signalName: string, target: SignalTarget): Promise<ProcessInfo>;
  restart(ref: string, options: StopOptions, signal?: AbortSignal): Promise<ProcessInfo>;
  get(ref: string): ProcessInfo;
  list(filter: ProcessFilter, page: PageRequest): Promise<ProcessPage>;
  /** Ends (returns) never by itself; fails with SHUTTING_DOWN when the engine closes. */
  watch(
    options: { resourceVersion: string; filter: ProcessFilter; bookmarkMs: number },
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent>;
  /** Ends (returns) never by itself; fails with SHUTTING_DOWN when the engine closes. */
  stats(options: StatsOptions, signal: AbortSignal): AsyncIterable<UsageSample>;
  wait(ref: string, condition: WaitCondition, run: number, signal: AbortSignal): Promise<ProcessInfo>;
  readOutput(ref: string, options: ReadOutputOptions & { maxBytes: number }): Promise<OutputRead>;
  streamOutput(ref: string, options: StreamOutputOptions, signal: AbortSignal): AsyncIterable<OutputFrame>;
  writeInput(ref: string, data: Uint8Array, close: boolean, signal: AbortSignal): Promise<void>;
  resizeTerminal(ref: string, size: TerminalSize): Promise<void>;
  remove(ref: string, force: boolean): Promise<string>;
  prune(filter: ProcessFilter, olderThanMs: number, dryRun: boolean): Promise<{ ids: string[]; freedBytes: number }>;
  /** Stops every process by force after its grace period (or `graceMs`); for Shutdown with stop_processes. */
  stopAll(graceMs: number | null): Promise<void>;
  /** Ends all waiting with SHUTTING_DOWN and lets go of every descriptor. Processes run on. */
  close(): Promise<void>;
}
