import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "../process/process.ts";
import type { Signaling } from "../process/signaling.ts";
import { type ControlMessage, ShimGoneError, sendControl } from "../shim/control.ts";
import { membersOf } from "../shim/descendants.ts";
import { Control, Target } from "../shim/layout.ts";
import { procStat } from "../shim/proc-stat.ts";
import { processState } from "../shim/shim-process.ts";
import { openFileOf } from "./find-shims.ts";
import { signalRemains } from "./remains.ts";
import type { Adoption, Run } from "./run.ts";

/** How long a shim may take to carry out a message: it does so at once unless somebody stopped it. */
const answerMs = 5_000;
/** After this time it is looked whether somebody did. */
const suspiciousMs = 50;
const noSuchProcess = 3;
const notSupported = 95;
const timedOut = 110;
const sigkill = 9;

/**
 * Sends a message to a run's shim and waits until it was carried out. Messages
 * go one after the other, since a ring holds the last acknowledgement only.
 *
 * A shim that somebody stopped is continued. A message that it does not carry
 * out in time it will not carry out later either.
 *
 * @returns the errno of what was asked for; 0: done.
 * @throws ShimGoneError if the run has no shim any more; EngineError
 * SUPERVISOR_UNRESPONSIVE if it did not take the message in time.
 */
export function control(
  core: Core,
  process: ManagedProcess,
  run: Run,
  type: number,
  a = 0,
  b = 0,
  value = 0,
): Promise<number> {
  return exchangeInTurn(core, process, run, { type, a, b, value });
}

/** A signal that the next daemon must know of, whenever this one dies: see `Signaling`. */
export interface OnRecord extends Pick<Signaling, "cause" | "intentBootMs"> {
  /** Right when its acknowledgment is seen, before what comes of it is. Puts on record what was done. */
  readonly onAcknowledged: (errno: number) => void;
}

/** As {@link control}, for a signal that must be sent once. */
export function signalOnRecord(
  core: Core,
  process: ManagedProcess,
  run: Run,
  signal: number,
  target: number,
  onRecord: OnRecord,
): Promise<number> {
  return exchangeInTurn(core, process, run, { type: Control.signal, a: signal, b: target, value: 0, onRecord });
}

/**
 * Finds out what became of a signal that an earlier daemon had sent, or meant to.
 * If it is not carried out by now, it never will be. To be called before
 * anything else is sent to that shim.
 *
 * @returns its errno; one that is not 0 if it was not carried out.
 * @throws as {@link control}
 */
export function cancelOrLearn(core: Core, process: ManagedProcess, run: Run, seq: number): Promise<number> {
  return exchangeInTurn(core, process, run, { type: Control.signal, a: 0, b: 0, value: 0, seq });
}

function exchangeInTurn(core: Core, process: ManagedProcess, run: Run, message: Message): Promise<number> {
  const answer = run.controlQueue.then(() => exchange(core, process, run, message));
  run.controlQueue = answer.then(
    () => {},
    () => {},
  );
  return answer;
}

interface Message {
  readonly type: number;
  readonly a: number;
  readonly b: number;
  readonly value: number;
  readonly onRecord?: OnRecord;
  /** Of a message that is only to be acknowledged. Default: a new one. */
  readonly seq?: number;
}

async function exchange(core: Core, process: ManagedProcess, run: Run, message: Message): Promise<number> {
  core.checkOpen();
  if (run.shimGone || process.removed) throw new ShimGoneError("that run is over");
  if (run.view === null && run.adoption !== null) return signalDirectly(run, run.adoption, message);
  const seq = message.seq ?? core.nextControlSeq();
  const { onRecord } = message;
  if (onRecord !== undefined) putOnRecord(core, process, run, seq, onRecord);
  try {
    send(core, process, run, { ...message, seq, expiresMs: message.seq === undefined ? answerMs : 0 });
    const errno = await untilAcknowledged(core, process, run, seq);
    if (errno === timedOut && message.seq === undefined) throw unresponsive(process, run);
    return errno;
  } finally {
    // Given up, it will not be carried out. What a daemon that closes has sent is for the next one to find out.
    if (run.awaited !== null && !core.closed) {
      process.signaling = null;
      core.trySave(process);
    }
    run.awaited = null;
  }
}

/** Before its shim is told, and when the shim has done it. */
function putOnRecord(core: Core, process: ManagedProcess, run: Run, seq: number, onRecord: OnRecord): void {
  const { cause, intentBootMs, onAcknowledged } = onRecord;
  core.refresh(process, run);
  const before = run.view?.header.controlSeq ?? 0;
  process.signaling = { run: run.number, seq, before, cause, intentBootMs, isLost: false };
  core.trySave(process);
  run.awaited = {
    seq,
    onAcknowledged: (errno) => {
      onAcknowledged(errno);
      process.signaling = null;
      core.trySave(process);
    },
  };
}

async function untilAcknowledged(core: Core, process: ManagedProcess, run: Run, seq: number): Promise<number> {
  const deadline = performance.now() + answerMs;
  for (let looked = false; ; ) {
    core.refresh(process, run);
    const header = run.view?.header;
    if (header?.controlSeq === seq) return header.controlErrno;
    if (run.final || process.removed) throw new ShimGoneError("the run ended meanwhile");
    const left = deadline - performance.now();
    if (left <= 0) throw unresponsive(process, run);
    await process.changed.wait(undefined, looked ? left : Math.min(left, suspiciousMs));
    core.checkOpen();
    if (!looked && performance.now() > deadline - answerMs + suspiciousMs) {
      looked = true;
      continueShim(core, process, run);
    }
  }
}

function unresponsive(process: ManagedProcess, run: Run): EngineError {
  return new EngineError(
    "SUPERVISOR_UNRESPONSIVE",
    `the shim of run ${run.number} of process ${process.id} did not respond within ${answerMs / 1000} s: nothing was done, and nothing will be`,
    { id: process.id },
  );
}

/** Whether a shim is there that did not take a message in time. */
export function isUnresponsive(error: unknown): boolean {
  return error instanceof EngineError && error.reason === "SUPERVISOR_UNRESPONSIVE";
}

/** Continues a shim that was stopped: while it stands still nothing of its process can be managed. */
export function continueShim(core: Core, process: ManagedProcess, run: Run): void {
  const { shimPid: pid } = run;
  const stat = procStat(pid);
  if (stat?.start !== run.shimStart || stat.state !== "T") return;
  core.options.logger.warn({ id: process.id, run: run.number, pid }, "somebody stopped a shim; it is continued");
  try {
    globalThis.process.kill(pid, "SIGCONT");
  } catch {
    // It has ended meanwhile.
  }
}

/** Through the FIFO, or, where somebody removed its name, through the shim's own descriptor of it. */
function send(core: Core, process: ManagedProcess, run: Run, message: ControlMessage): void {
  try {
    sendControl(run.adoption?.control ?? core.paths(process, run.number).control, message);
    return;
  } catch (error) {
    if (!(error instanceof ShimGoneError)) throw error;
    if (run.adoption?.control == null) {
      core.refresh(process, run);
      const { shimPid, shimStart } = run;
      const isThere = run.view !== null && !run.final && processState(shimPid, shimStart) !== "gone";
      const open = isThere ? openFileOf(shimPid, core.paths(process, run.number).control) : null;
      if (open !== null) {
        sendControl(open, message);
        run.adoption = { shimPid, shimStart, control: open, ring: run.adoption?.ring ?? null };
        return;
      }
    }
    noteGone(core, process, run);
    throw error;
  }
}

/** Without a ring nobody would learn what became of a message: what matters is done from here. */
function signalDirectly(run: Run, { shimPid, shimStart }: Adoption, { type, a, b }: Message): number {
  if (type !== Control.signal && type !== Control.killTree) return notSupported;
  const signal = type === Control.killTree ? sigkill : a;
  const members = membersOf(shimPid);
  // Should the shim die of what they do, this is all that is known of them.
  if (members.length > 0) run.members = members;
  const onlyMain = type === Control.signal && b === Target.main;
  if (members.length > 0) return signalRemains(onlyMain ? members.slice(0, 1) : members, signal);
  // It waits for writers outside the tree, and cannot be told that nobody else does.
  if (type === Control.killTree) signalRemains([{ pid: shimPid, start: shimStart }], sigkill);
  return noSuchProcess;
}

/** A run that began has a control FIFO with a reader until its shim has said its last word. */
function noteGone(core: Core, process: ManagedProcess, run: Run): void {
  core.refresh(process, run);
  if (!run.final && !run.starting) core.shimGone(process, run, null);
}
