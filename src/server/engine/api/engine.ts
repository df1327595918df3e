/**
 * What the engine can do, in terms that know nothing of RPC. `server/rpc`
 * translates the contract to this and back; the meaning of every field is
 * documented at its namesake in `proto/pm/v1`.
 */

import type {
  ProcessUpdate,
  RequestContext,
  SignalTarget,
  StartRequest,
  StopOptions,
  StopResult,
  WaitCondition,
} from "./control.ts";
import type { EventsFrame, StreamEventsOptions } from "./event.ts";
import type { PageRequest, ProcessFilter, ProcessPage } from "./list.ts";
import type {
  OutputAcknowledgement,
  OutputFrame,
  OutputRead,
  OutputsFrame,
  ReadOutputOptions,
  StreamOutputOptions,
  StreamOutputsOptions,
} from "./output.ts";
import type { ProcessInfo, ProcessRef, ProcessState } from "./process.ts";
import type { RunInfo } from "./run.ts";
import type { ProcessSpec, TerminalSize } from "./spec.ts";
import type { StatsOptions, UsageSample } from "./usage.ts";
import type { WatchEvent } from "./watch.ts";

export interface EngineInfo {
  readonly defaultOutputLimitBytes: number;
  readonly maxOutputLimitBytes: number;
  readonly maxProcesses: number;
  readonly cgroupLimits: boolean;
  readonly counts: Readonly<Record<ProcessState, number>>;
  readonly keptRuns: number;
  readonly retention: { readonly count: number; readonly ageMs: number; readonly bytes: number };
  readonly bootId: string;
  readonly journal: {
    readonly id: string;
    readonly firstSequence: number;
    readonly lastSequence: number;
    readonly bytes: number;
    readonly maxBytes: number;
  };
  /** What could not be read and was kept as it is, at most 100. */
  readonly setAside: readonly SetAside[];
  readonly setAsideCount: number;
}

export interface SetAside {
  readonly path: string;
  readonly problem: string;
  /** Empty: unknown. */
  readonly processId: string;
  /** A newer version of pm wrote it; it was not moved. */
  readonly newer: boolean;
}

/**
 * The engine. Every method that waits takes an AbortSignal: aborting it ends
 * the waiting, rejects with the signal's reason, and undoes nothing. What
 * changes something takes a RequestContext and is on record before it begins.
 */
export interface Engine {
  info(): EngineInfo;
  start(request: StartRequest, context: RequestContext): Promise<{ process: ProcessInfo; existing: boolean }>;
  /** @param wait False: resolves once the first signal was sent; the receipt is then pending. */
  stop(
    ref: ProcessRef,
    options: StopOptions & { readonly wait: boolean },
    context: RequestContext,
    signal?: AbortSignal,
  ): Promise<StopResult>;
  signal(ref: ProcessRef, signalName: string, target: SignalTarget, context: RequestContext): Promise<ProcessInfo>;
  /** @param spec Replaces the process's spec; null: it stays. */
  restart(
    ref: ProcessRef,
    options: StopOptions,
    spec: ProcessSpec | null,
    context: RequestContext,
    signal?: AbortSignal,
  ): Promise<ProcessInfo>;
  /** `update` is told the process as it is, and what is to change in it. */
  update(
    ref: ProcessRef,
    update: (process: ProcessInfo) => ProcessUpdate,
    context: RequestContext,
  ): Promise<ProcessInfo>;
  get(ref: ProcessRef): ProcessInfo;
  /** The newest first. */
  runs(ref: ProcessRef): { readonly processId: string; readonly runs: readonly RunInfo[] };
  /** UUIDs in order of creation, for calls by filter. */
  select(filter: ProcessFilter): readonly string[];
  /**
   * For calls by filter that carry a request id: what `select` answers, and for the same request again what it answered
   * then. The next daemon knows it too, for an hour.
   *
   * @param fingerprint Tells this request from others.
   * @throws EngineError REQUEST_ID_REUSED if another request had this id
   */
  selectOnce(context: RequestContext, fingerprint: string, select: () => readonly string[]): readonly string[];
  list(filter: ProcessFilter, page: PageRequest): Promise<ProcessPage>;
  /** Ends (returns) never by itself; fails with SHUTTING_DOWN when the engine closes. */
  watch(
    options: { resourceVersion: string; filter: ProcessFilter; bookmarkMs: number },
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent>;
  events(options: StreamEventsOptions, signal: AbortSignal): AsyncIterable<EventsFrame>;
  /** Ends (returns) never by itself; fails with SHUTTING_DOWN when the engine closes. */
  stats(options: StatsOptions, signal: AbortSignal): AsyncIterable<UsageSample>;
  /** @param run Null: the current one. `run` in the result is null if it is no longer kept. */
  wait(
    ref: ProcessRef,
    condition: WaitCondition,
    run: number | null,
    signal: AbortSignal,
  ): Promise<{ process: ProcessInfo; run: RunInfo | null }>;
  readOutput(ref: ProcessRef, options: ReadOutputOptions & { maxBytes: number }): Promise<OutputRead>;
  streamOutput(ref: ProcessRef, options: StreamOutputOptions, signal: AbortSignal): AsyncIterable<OutputFrame>;
  acknowledgeOutput(acknowledgement: OutputAcknowledgement): Promise<void>;
  streamOutputs(options: StreamOutputsOptions, signal: AbortSignal): AsyncIterable<OutputsFrame>;
  /**
   * @param inputOffset How many bytes the caller says were written before; null: no matter.
   * @returns how many bytes were written to this run so far.
   */
  writeInput(
    ref: ProcessRef,
    input: { readonly data: Uint8Array; readonly close: boolean; readonly inputOffset: number | null },
    context: RequestContext,
    signal: AbortSignal,
  ): Promise<number>;
  resizeTerminal(ref: ProcessRef, size: TerminalSize, context: RequestContext): Promise<void>;
  /** @returns the UUID of what was removed. */
  remove(ref: ProcessRef, force: boolean, context: RequestContext): Promise<string>;
  prune(
    filter: ProcessFilter,
    olderThanMs: number,
    dryRun: boolean,
    context: RequestContext,
  ): Promise<{ ids: string[]; freedBytes: number }>;
  /**
   * Stops every process by force after its grace period (or `graceMs`), without a change of desired states; for
   * Shutdown with stop_processes.
   */
  stopAll(graceMs: number | null, context: RequestContext): Promise<void>;
  /** Ends all waiting with SHUTTING_DOWN and closes every descriptor. Processes keep running. */
  close(): Promise<void>;
}
