import { signalNumber } from "../../../common/signals.ts";
import type { Cause } from "../api/cause.ts";
import type { RequestContext, SignalTarget } from "../api/control.ts";
import type { ProcessInfo } from "../api/process.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "../process/process.ts";
import type { Signaling } from "../process/signaling.ts";
import { refreshRemains, signalRemains } from "../run/remains.ts";
import type { Run } from "../run/run.ts";
import { cancelOrLearn, signalOnRecord } from "../run/shim-control.ts";
import { failure } from "../run/start-failure.ts";
import { ShimGoneError } from "../shim/control.ts";
import { Step, Target } from "../shim/layout.ts";
import { checkPrecondition } from "./conditions.ts";
import { notRunning } from "./input.ts";
import { causeOf, lost, untilStarted } from "./stop.ts";

const notPermitted = 1;
const noSuchProcess = 3;

/** Sends a signal; with the main process ended, to what is left of its group or tree. */
export async function signal(
  core: Core,
  process: ManagedProcess,
  name: string,
  target: SignalTarget,
  context: RequestContext,
): Promise<ProcessInfo> {
  const number = signalNumber(name);
  if (number === undefined)
    throw new EngineError("INVALID_ARGUMENT", `no signal ${JSON.stringify(name)}`, { field: "signal" });
  await untilStarted(core, process);
  checkPrecondition(core, process, context);
  const run = process.current;
  if (!run.treeAlive || (run.ended && target === "main")) {
    throw run.state === "lost" ? lost(process) : notRunning(process, run.state);
  }
  const cause = causeOf(context, name);
  const errno = run.shimGone
    ? signalRest(core, process, run, number, cause)
    : await send(core, process, run, number, target, cause);
  if (errno === noSuchProcess) throw notRunning(process, process.state);
  if (errno !== 0) throw notSent(process, run, name, errno);
  core.refresh(process);
  return core.table.info(process);
}

/** Without a shim there is nobody who would know after this daemon's death whether it was sent. */
function signalRest(core: Core, process: ManagedProcess, run: Run, number: number, cause: Cause): number {
  run.remains = refreshRemains(run.remains);
  const errno = signalRemains(run.remains, number);
  if (errno === 0) noteSent(core, process, cause);
  return errno;
}

function noteSent(core: Core, process: ManagedProcess, cause: Cause): void {
  core.note(process, "signaled", cause);
  core.journal.flush();
}

/**
 * Has the shim send it. On record is, one after the other: that it is about to
 * be told; in the ring, that it has; in the journal, that the signal was sent.
 */
async function send(
  core: Core,
  process: ManagedProcess,
  run: Run,
  number: number,
  target: SignalTarget,
  cause: Cause,
): Promise<number> {
  let isNoted = false;
  const onAcknowledged = (errno: number) => {
    if (errno === 0) noteSent(core, process, cause);
    isNoted = true;
  };
  try {
    const onRecord = { cause, intentBootMs: null, onAcknowledged };
    const errno = await signalOnRecord(core, process, run, number, Target[target], onRecord);
    // Without a ring the daemon has sent it itself.
    if (errno === 0 && !isNoted) noteSent(core, process, cause);
    return errno;
  } catch (error) {
    if (!(error instanceof ShimGoneError)) throw error;
    throw run.state === "lost" ? lost(process) : notRunning(process, process.state);
  }
}

/**
 * Finds out whether a signal was sent that the last daemon was about to have
 * sent. If it was not by now, it will not be: whoever asks for it again has it
 * sent once.
 */
export function decideSignal(core: Core, process: ManagedProcess): void {
  const { signaling } = process;
  if (signaling === null) return;
  const wasSent = findOut(core, process, signaling);
  // Its failure is for whoever asks again.
  wasSent.catch(() => {});
  process.signaledBefore = { signaling, wasSent };
}

async function findOut(core: Core, process: ManagedProcess, signaling: Signaling): Promise<boolean> {
  const { cause, seq, before, intentBootMs, isLost } = signaling;
  const isNoted = intentBootMs === null && isSignalNoted(core, process, cause);
  const conclude = (errno: number): boolean => {
    if (errno === 0 && intentBootMs !== null) noteSignaled(core, process, signaling);
    else if (errno === 0 && !isNoted) noteSent(core, process, cause);
    if (process.signaling === signaling) process.signaling = null;
    core.trySave(process);
    return errno === 0;
  };
  const loseIt = (why?: unknown): never => {
    if (process.signaling === signaling) process.signaling = { ...signaling, isLost: true };
    core.trySave(process);
    throw whetherSentIsUnknown(process, cause, why);
  };
  if (isNoted) return conclude(0);
  if (isLost) return loseIt();
  const run = process.run(signaling.run);
  const acknowledged = () => run?.view?.header.controlSeq;
  if (acknowledged() === seq) return conclude(run?.view?.header.controlErrno ?? 0);
  if (run === undefined || acknowledged() !== before) return loseIt();
  if (run.final || run.shimGone) return conclude(noSuchProcess);
  try {
    return conclude(await cancelOrLearn(core, process, run, seq));
  } catch (error) {
    if (!(error instanceof ShimGoneError)) return loseIt(error);
    return conclude(acknowledged() === seq ? (run.view?.header.controlErrno ?? 0) : noSuchProcess);
  }
}

/** It goes on from there. */
function noteSignaled({ options }: Core, process: ManagedProcess, { intentBootMs, cause }: Signaling): void {
  for (const intent of process.intents) {
    const isIt = intent.requestBootMs === intentBootMs && intent.cause.requestId === cause.requestId;
    if (isIt) intent.signaled = true;
  }
  const { stop } = process.current;
  if (stop?.outcome === "pending")
    process.current.stop = { ...stop, signalTime: stop.signalTime ?? options.clock.wall() };
}

function isSignalNoted({ journal }: Core, { id }: ManagedProcess, { requestId, principal }: Cause): boolean {
  if (requestId === "") return false;
  for (const { type, processId, cause } of journal.all()) {
    const isIt = type === "signaled" && processId === id;
    if (isIt && cause.requestId === requestId && cause.principal === principal) return true;
  }
  return false;
}

/** Whether the last daemon had the signal of this very request sent; see {@link decideSignal}. */
export async function wasSignaledBefore(process: ManagedProcess, context: RequestContext): Promise<boolean> {
  const { signaledBefore } = process;
  const { requestId, principal } = context;
  if (requestId === "" || signaledBefore === null) return false;
  const { signaling, wasSent } = signaledBefore;
  const { cause, intentBootMs } = signaling;
  const isIt = intentBootMs === null && cause.requestId === requestId && cause.principal === principal;
  return isIt && (await wasSent);
}

function whetherSentIsUnknown(process: ManagedProcess, { detail }: Cause, why: unknown): EngineError {
  return new EngineError(
    "SUPERVISOR_LOST",
    `the daemon was killed while it had ${detail} sent to process ${process.id}, and whether it was sent can no longer be found out`,
    { id: process.id },
    why,
  );
}

function notSent(process: ManagedProcess, run: Run, name: string, errno: number): EngineError {
  const { message } = failure(Step.shim, errno, "");
  const why = errno === notPermitted ? "; it runs as another user by now, or a security policy forbids it" : "";
  return new EngineError("SUPERVISOR_LOST", `the shim of run ${run.number} could not send ${name}: ${message}${why}`, {
    id: process.id,
  });
}
