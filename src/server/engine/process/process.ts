import type { ExitStatus, OutputInfo, ProcessInfo, ProcessState, StartFailure, StartStep } from "../api/process.ts";
import type { ProcessSpec } from "../api/spec.ts";
import { signalName } from "../limits/signals.ts";
import { Notifier } from "../notifier.ts";
import { RunState } from "../shim/layout.ts";
import type { RingHeader } from "../shim/ring-header.ts";
import type { ShimFailure } from "../shim/zygote.ts";

/** What the ring of a run said when it was read last. */
export interface RunView {
  readonly header: RingHeader;
  readonly firstOffset: number;
}

/** One process of the table. The ring is the truth about its run; `view` is a copy of it. */
export class ManagedProcess {
  readonly id: string;
  readonly spec: ProcessSpec;
  readonly createTime: bigint;
  run: number;
  /** Null: the current run has no published ring (yet). */
  view: RunView | null = null;
  /** The current run's shim has exited without a last word. */
  shimGone = false;
  /** Why that shim made no ring, where it could say. */
  shimFailure: ShimFailure | null = null;
  /** Why the current run never began, where its ring does not say. */
  failure: StartFailure | null = null;
  /** The kernel's out-of-memory killer struck in the current run's cgroup. */
  oomKilled = false;
  /** Earlier runs whose shim was killed: their output ends without saying so. */
  readonly lostRuns = new Set<number>();
  /** Settles, and never rejects, when it is decided whether the current run begins. */
  starting: Promise<void> | null = null;
  /** Why the first start failed; the process is then removed. */
  startError: unknown = null;
  /** Its directory is not of its making, so it must not remove it. */
  foreignDirectory = false;
  /** The restart under way. */
  restarting: Promise<ProcessInfo> | null = null;
  /** How many stops are under way. */
  stops = 0;
  removing = false;
  removed = false;
  /** When it was seen to have ended, nanoseconds since the epoch; null before. */
  endTime: bigint | null = null;
  /** Numbers of the table's sequence. */
  createdAt = 0;
  changedAt = 0;
  /** Wakes on every change and on every event of the current run. */
  readonly changed = new Notifier();
  /** Control messages and input go one after the other. */
  controlQueue: Promise<void> = Promise.resolve();
  inputQueue: Promise<void> = Promise.resolve();
  inputWaiting = 0;

  constructor(id: string, spec: ProcessSpec, createTime: bigint, run: number) {
    this.id = id;
    this.spec = spec;
    this.createTime = createTime;
    this.run = run;
  }

  get state(): ProcessState {
    if (this.failure !== null) return "failed";
    switch (this.view?.header.state) {
      case RunState.failed:
        return "failed";
      case RunState.exited:
        return "exited";
      case RunState.running:
        if (this.shimGone) return "lost";
        return this.stops > 0 ? "stopping" : "running";
      default:
        return this.shimGone ? "lost" : "starting";
    }
  }

  isLost(): boolean {
    return this.state === "lost";
  }

  get ended(): boolean {
    const state = this.state;
    return state === "exited" || state === "failed" || state === "lost";
  }

  get treeAlive(): boolean {
    const header = this.view?.header;
    if (header === undefined || this.shimGone || this.failure !== null) return false;
    return (header.state === RunState.running || header.state === RunState.exited) && !header.treeGone;
  }

  /** Ended, and nothing of it lives or is about to. */
  get settled(): boolean {
    return this.ended && !this.treeAlive && this.starting === null && this.restarting === null && this.stops === 0;
  }

  /** The ring will not change any more. */
  get final(): boolean {
    return this.failure !== null || this.shimGone || this.view?.header.done === true;
  }

  info(resourceVersion: string): ProcessInfo {
    const state = this.state;
    const header = this.view?.header;
    const begun = header !== undefined && state !== "failed";
    return {
      id: this.id,
      spec: this.spec,
      state,
      run: this.run,
      pid: begun && (state === "running" || state === "stopping") ? header.childPid : 0,
      createTime: this.createTime,
      startTime: begun && header.started > 0n ? header.started : null,
      exitTime: begun && header.exited > 0n ? header.exited : null,
      exit: this.exit,
      failure: this.failure,
      output: this.output,
      treeAlive: this.treeAlive,
      resourceVersion,
    };
  }

  get exit(): ExitStatus | null {
    return this.view !== null && this.state === "exited" ? exitStatus(this.view.header, this.oomKilled) : null;
  }

  get output(): OutputInfo {
    return outputInfo(this.view, this.shimGone || this.state === "failed", this.spec.outputLimitBytes);
  }
}

/** @param over No more output can come, whatever the ring says. */
export function outputInfo(view: RunView | null, over: boolean, limitBytes: number): OutputInfo {
  if (view === null) {
    return { firstOffset: 0, nextOffset: 0, complete: over, stdoutBytes: 0, stderrBytes: 0, limitBytes };
  }
  const { header, firstOffset } = view;
  return {
    firstOffset,
    nextOffset: header.written,
    complete: over || header.outputComplete,
    stdoutBytes: header.stdoutBytes,
    stderrBytes: header.stderrBytes,
    // The ring has room beyond the bound, so that a read in progress evicts nothing within it.
    limitBytes: Math.min(header.dataSize, limitBytes),
  };
}

/** Reads the status of wait4(2). */
export function exitStatus(header: RingHeader, oomKilled: boolean): ExitStatus {
  const signal = header.waitStatus & 0x7f;
  return {
    code: signal === 0 ? (header.waitStatus >> 8) & 0xff : null,
    signal: signal === 0 ? null : signal,
    signalName: signal === 0 ? "" : signalName(signal),
    coreDumped: signal !== 0 && (header.waitStatus & 0x80) !== 0,
    oomKilled,
    usage: {
      userMicros: header.userMicros,
      systemMicros: header.systemMicros,
      maxResidentBytes: header.maxResidentKib * 1024,
    },
  };
}

export function isStartStep(step: number): step is StartStep {
  return Number.isInteger(step) && step >= 1 && step <= 11;
}
