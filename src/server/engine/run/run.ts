import { signalName } from "../../../common/signals.ts";
import type { Cause } from "../api/cause.ts";
import type { Survivor } from "../api/control.ts";
import type {
  EffectiveSpec,
  ExitStatus,
  OutputInfo,
  RunState as PublicState,
  RunInfo,
  StartFailure,
  StartStep,
  StopReceipt,
} from "../api/run.ts";
import type { TreeLimits } from "../api/spec.ts";
import type { Ring } from "../shim/ring.ts";
import type { RingHeader } from "../shim/ring-header.ts";
import type { ShimFailure } from "../shim/zygote.ts";
import type { Remnant } from "./remains.ts";
import { describeRemains } from "./survivors.ts";
import {
  hasEnded,
  mayLive,
  publicState,
  type RunEvent,
  type RunState,
  type Transition,
  transition,
} from "./transition.ts";

/** What the ring of a run said when it was read last. */
export interface RunView {
  readonly header: RingHeader;
  readonly firstOffset: number;
}

/** What is known of a run without its ring. Times are nanoseconds since the epoch. */
export interface RunSummary {
  readonly startTime: bigint | null;
  readonly exitTime: bigint | null;
  readonly exit: ExitStatus | null;
  readonly output: OutputInfo;
}

/** When nothing of a run was left. */
export interface RunEnd {
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  /** Milliseconds since the machine booted. */
  readonly bootMs: number;
}

/** A shim that is there though something of its run's files is not, or cannot be read. */
export interface Adoption {
  readonly shimPid: number;
  /** Clock ticks since boot. */
  readonly shimStart: bigint;
  /** Where the control FIFO and the ring can be opened; null: nowhere. */
  readonly control: string | null;
  readonly ring: string | null;
}

/** One execution of a process. Its ring is the truth about it; `view` is a copy of that. */
export class Run {
  readonly number: number;
  readonly cause: Cause;
  /** Nanoseconds since the epoch. */
  readonly createTime: bigint;
  /** The journal's number when it was accepted. */
  readonly sequence: number;
  readonly effective: EffectiveSpec;
  /** What it was started with; null: not on record. */
  readonly limits: TreeLimits | null;
  #state: RunState = "starting";
  /** Null: there is no published ring (yet), or it cannot be read. */
  view: RunView | null = null;
  /** Open between two looks; see `KeptRings`. */
  ring: Ring | null = null;
  /** `Ring.seen` of `view`; -1: the next look reads everything. */
  ringSeen = -1;
  /** What was recorded before the ring was dropped. */
  summary: RunSummary | null = null;
  /** The ring went to make room for others; `summary` says what it said. */
  outputDropped = false;
  /** The ring is there and cannot be read. */
  unreadable = false;
  adoption: Adoption | null = null;
  /** Who its shim is says its ring alone, which may be garbled. */
  shimIsUnproven = false;
  /** Who was seen in its tree, where its ring may not tell who the main process is. */
  members: readonly Remnant[] = [];
  /** Its shim has exited without a last word. */
  shimGone = false;
  /** Why that shim made no ring, where it could say. */
  shimFailure: ShimFailure | null = null;
  /** Why it never began. */
  failure: StartFailure | null = null;
  /** The kernel's out-of-memory killer struck in its cgroup; null: it has none. */
  oomKilled: boolean | null = null;
  end: RunEnd | null = null;
  /** What a killed shim has left. */
  remains: readonly Remnant[] = [];
  /** Files in its directory take up the room that it will need. */
  hasRoom = false;
  /** How many stops are under way. */
  stops = 0;
  /** The receipt of the latest one. */
  stop: StopReceipt | null = null;
  /** Control messages go one after the other. */
  controlQueue: Promise<void> = Promise.resolve();
  /** The message that its shim has not acknowledged. */
  awaited: { readonly seq: number; readonly onAcknowledged: (errno: number) => void } | null = null;
  /** Bytes ever written to standard input; null: its shim is to be asked. */
  inputOffset: number | null = null;

  constructor(identity: Pick<Run, "number" | "cause" | "createTime" | "sequence" | "effective" | "limits">) {
    this.number = identity.number;
    this.cause = identity.cause;
    this.createTime = identity.createTime;
    this.sequence = identity.sequence;
    this.effective = identity.effective;
    this.limits = identity.limits;
  }

  /** The one way in which a run's state changes. */
  apply(event: RunEvent): Transition {
    const result = transition(this.#state, event);
    this.#state = result.next;
    return result;
  }

  /** What its shim has done is told before what came of it. */
  tellAcknowledged(): void {
    const header = this.view?.header;
    const { awaited } = this;
    if (awaited === null || awaited.seq !== header?.controlSeq) return;
    this.awaited = null;
    awaited.onAcknowledged(header.controlErrno);
  }

  get machineState(): RunState {
    return this.#state;
  }

  get state(): PublicState {
    return publicState(this.#state);
  }

  get starting(): boolean {
    return this.#state === "starting";
  }

  get ended(): boolean {
    return hasEnded(this.#state);
  }

  get treeAlive(): boolean {
    return mayLive(this.#state);
  }

  /** 0: unknown. What was found in the process table counts more than what a ring says. */
  get shimPid(): number {
    return this.adoption?.shimPid ?? this.view?.header.shimPid ?? 0;
  }

  /** Clock ticks since boot. */
  get shimStart(): bigint {
    return this.adoption?.shimStart ?? this.view?.header.shimStart ?? 0n;
  }

  /** No shim can say what becomes of its tree. */
  get isBlind(): boolean {
    return this.shimGone || (this.view === null && this.adoption !== null);
  }

  /** The main process runs. */
  get running(): boolean {
    return this.#state === "running" || this.#state === "stopping";
  }

  /** Nothing can be learned any more from its ring. */
  get final(): boolean {
    return this.shimGone || this.view?.header.done === true || this.#state === "failed" || this.summary !== null;
  }

  get exit(): ExitStatus | null {
    if (this.state !== "exited") return null;
    if (this.view === null) return this.summary?.exit ?? null;
    return exitStatus(this.view.header, this.oomKilled);
  }

  get startTime(): bigint | null {
    if (this.#state === "failed") return null;
    const header = this.view?.header;
    if (header === undefined) return this.summary?.startTime ?? null;
    return header.started > 0n ? header.started : null;
  }

  get exitTime(): bigint | null {
    if (this.#state === "failed") return null;
    const header = this.view?.header;
    if (header === undefined) return this.summary?.exitTime ?? null;
    if (header.exited === 0n) return null;
    // The wall clock may have been set meanwhile; the other one never is.
    return header.started + (header.exitedBoot - header.startedBoot);
  }

  get output(): OutputInfo {
    if (this.view === null && this.summary !== null) return this.summary.output;
    return outputInfo(this.view, this.isOver, this.effective.outputLimitBytes);
  }

  /** No more output can come, whatever the ring says. */
  get isOver(): boolean {
    return this.shimGone || this.#state === "failed";
  }

  get survivors(): readonly Survivor[] {
    return this.#state === "orphaned" ? describeRemains(this.remains) : [];
  }

  /** Everything worth keeping once the ring is gone. */
  summarize(): RunSummary {
    const { startTime, exitTime, exit, output } = this;
    return { startTime, exitTime, exit, output };
  }

  info(): RunInfo {
    const header = this.view?.header;
    return {
      number: this.number,
      state: this.state,
      cause: this.cause,
      pid: this.running && header !== undefined && header.childPid > 0 ? header.childPid : null,
      createTime: this.createTime,
      startTime: this.startTime,
      exitTime: this.exitTime,
      exit: this.exit,
      failure: this.failure,
      output: this.output,
      treeAlive: this.treeAlive,
      suspended: this.running && header?.stopped === true,
      effective: this.starting || this.#state === "failed" ? null : this.effective,
      survivors: this.survivors,
      stop: this.stop,
    };
  }
}

/** @param over No more output can come, whatever the ring says. */
export function outputInfo(view: RunView | null, over: boolean, limitBytes: number): OutputInfo {
  if (view === null) {
    const nothing = { firstOffset: 0, nextOffset: 0, stdoutBytes: 0, stderrBytes: 0 };
    return { ...nothing, complete: over, limitBytes, held: false };
  }
  const { header, firstOffset } = view;
  return {
    firstOffset,
    nextOffset: header.written,
    complete: over || header.outputComplete,
    stdoutBytes: header.stdoutBytes,
    stderrBytes: header.stderrBytes,
    // The ring has room beyond the limit, so that a read in progress drops nothing within it.
    limitBytes: Math.min(header.dataSize, limitBytes),
    held: header.holdDeadline > 0n && !over,
  };
}

/** Reads the status of wait4(2). */
export function exitStatus(header: RingHeader, oomKilled: boolean | null): ExitStatus {
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
  return Number.isInteger(step) && step >= 1 && step <= 12;
}
