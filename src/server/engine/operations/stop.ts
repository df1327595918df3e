import { signalNumber } from "../../../common/signals.ts";
import type { Cause } from "../api/cause.ts";
import type { RequestContext, StopOptions, StopResult } from "../api/control.ts";
import type { StopReceipt } from "../api/run.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import type { Intent } from "../process/intent.ts";
import type { ManagedProcess } from "../process/process.ts";
import { refreshRemains, signalRemains } from "../run/remains.ts";
import type { Run } from "../run/run.ts";
import { continueShim, control, isUnresponsive, type OnRecord, signalOnRecord } from "../run/shim-control.ts";
import { describeRemains, describeTree } from "../run/survivors.ts";
import { ShimGoneError } from "../shim/control.ts";
import { Control, Target } from "../shim/layout.ts";
import { checkPrecondition } from "./conditions.ts";

/** How long killed processes may take to disappear; more means that the kernel holds them. */
const killMs = 5_000;
/** How long until those are killed again that are killed from here, not by a shim. */
const killAgainMs = 50;
/** The tree is looked at this often even if no event comes. */
const recheckMs = 2_000;
const sigkill = 9;
const sigcont = 18;
const noSuchProcess = 3;

/** A stop as it is carried out: everything decided. */
interface Plan {
  readonly cause: Cause;
  readonly signal: string;
  readonly graceMs: number;
  readonly force: boolean;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  /** The first signal was sent by an earlier daemon. */
  readonly signaled: boolean;
}

export interface StopOutcome {
  readonly stopped: boolean;
  readonly receipt: StopReceipt;
}

/**
 * Ends a process's tree. Several stops of one process run side by side, each
 * with its own signal, grace period and force: what one does, all see.
 */
export async function stop(
  core: Core,
  process: ManagedProcess,
  options: StopOptions & { readonly wait: boolean },
  context: RequestContext,
): Promise<StopResult> {
  core.checkPresent(process);
  checkPrecondition(core, process, context);
  const sent = Promise.withResolvers<void>();
  const work = stopAndMore(core, process, options, context, sent.resolve);
  work.then(
    () => sent.resolve(),
    () => sent.resolve(),
  );
  if (!options.wait) {
    await sent.promise;
    const receipt = process.current.stop;
    if (receipt?.outcome === "pending") return result(core, process, receipt);
  }
  return await work;
}

export function causeOf({ principal, requestId, cause }: RequestContext, detail = ""): Cause {
  return cause ?? { kind: "request", principal, requestId, detail };
}

/** What supervision does by itself leaves it open what a process is meant to do. */
export function decidesDesire({ kind }: Cause): boolean {
  return kind === "request" || kind === "project";
}

/** Also stops the run that a restart under way begins; one that was asked for since then is what is wanted last. */
async function stopAndMore(
  core: Core,
  process: ManagedProcess,
  options: StopOptions,
  context: RequestContext,
  onSent: () => void,
): Promise<StopResult> {
  const cause = causeOf(context);
  for (let isFirst = true; ; isFirst = false) {
    const { restarting } = process;
    await untilStarted(core, process);
    // While it started, somebody may have begun another run.
    if (isFirst) checkPrecondition(core, process, context);
    const { stopped, receipt } = await stopRun(core, process, options, cause, { kind: "stop", onSent });
    const pending = process.restarting ?? restarting;
    const isOutdone = restarting === null && decidesDesire(cause) && process.desired === "running";
    if (pending !== null && stopped && !isOutdone) {
      await pending.catch(() => {});
      core.checkOpen();
      core.checkListed(process);
      if (process.restarting !== null || !process.settled) continue;
      if (process.current.number === receiptRun(process, receipt)) return result(core, process, receipt);
      continue;
    }
    return result(core, process, receipt);
  }
}

function receiptRun(process: ManagedProcess, receipt: StopReceipt): number {
  return process.runs.find(({ stop }) => stop === receipt)?.number ?? 0;
}

function result(core: Core, process: ManagedProcess, receipt: StopReceipt): StopResult {
  return { process: core.table.info(process), receipt };
}

interface Purpose {
  readonly kind: "stop" | "restart" | "remove";
  /** Another request stands on record already, of which this is a part. */
  readonly onRecord?: boolean;
  /** That request, where it is known. */
  readonly intent?: Intent;
  /** The daemon ends, and this with it. */
  readonly keepsDesired?: boolean;
  readonly onSent?: () => void;
}

/** Ends the tree of the current run. What is asked for is on record before the first signal is sent. */
export async function stopRun(
  core: Core,
  process: ManagedProcess,
  options: StopOptions,
  cause: Cause,
  purpose: Purpose,
): Promise<StopOutcome> {
  await untilStarted(core, process);
  const run = process.current;
  const plan = makePlan(core, process, options, cause);
  if (!run.treeAlive) {
    const receipt = newReceipt(core, plan, "alreadyStopped");
    // The receipt of a stop that did something is worth more than one that did not.
    run.stop ??= receipt;
    if (purpose.kind === "stop" && purpose.keepsDesired !== true && decidesDesire(cause)) {
      wantStopped(core, process, cause);
    }
    return { stopped: true, receipt };
  }
  let intent: Intent | null = null;
  if (purpose.onRecord !== true) {
    const keepsDesired = purpose.keepsDesired === true;
    intent = newIntent(core, process, purpose.kind, plan, { keepsDesired });
    if (keepsDesired) process.endsWithDaemon = true;
    else if (purpose.kind === "stop" && decidesDesire(cause)) process.desired = "stopped";
    process.intents = [...process.intents, intent];
  }
  return await carryOut(core, process, run, plan, intent ?? purpose.intent ?? null, intent === null, purpose.onSent);
}

/** It may have ended a moment ago, and be about to begin anew: that is not to be. */
function wantStopped(core: Core, process: ManagedProcess, cause: Cause): void {
  if (process.desired === "stopped") return;
  process.desired = "stopped";
  core.trySave(process);
  core.note(process, "changed", cause);
  core.journal.flush();
}

/**
 * Goes on with a stop that an earlier daemon began.
 *
 * @param isPart It is a part of a restart, whose intent stays on record.
 */
export async function resumeStop(
  core: Core,
  process: ManagedProcess,
  intent: Intent,
  isPart = false,
): Promise<StopOutcome> {
  await untilStarted(core, process);
  const { signal, graceMs, force, cause, requestBootMs, signaled } = intent;
  const passed = Math.max(0, core.options.clock.boot() - requestBootMs);
  const deadline = performance.now() + Math.max(0, graceMs - passed);
  const plan: Plan = { cause, signal, graceMs, force, deadline, signaled };
  const run = process.current;
  if (!run.treeAlive) {
    if (!isPart) forgetIntent(core, process, intent);
    const receipt = run.stop ?? newReceipt(core, plan, "alreadyStopped");
    if (receipt.outcome === "pending") run.stop = finish(core, run, receipt);
    core.trySave(process);
    return { stopped: true, receipt: run.stop ?? receipt };
  }
  return await carryOut(core, process, run, plan, intent, isPart);
}

async function carryOut(
  core: Core,
  process: ManagedProcess,
  run: Run,
  plan: Plan,
  intent: Intent | null,
  isPart: boolean,
  onSent: () => void = () => {},
): Promise<StopOutcome> {
  const receipt = new Receipt(
    run,
    run.stop?.outcome === "pending" && plan.signaled ? run.stop : newReceipt(core, plan, "pending"),
  );
  core.trySave(process);
  run.stops++;
  core.apply(process, run, plan.force && plan.graceMs === 0 ? "killRequested" : "stopRequested", plan.cause);
  core.note(process, "stopRequested", plan.cause);
  core.journal.flush();
  try {
    if (!(plan.force && plan.graceMs === 0)) {
      await ask(core, process, run, plan, intent, () => {
        receipt.update({ signalTime: receipt.value.signalTime ?? core.options.clock.wall() });
        if (intent !== null) intent.signaled = true;
        core.trySave(process);
        onSent();
      });
    }
    if (run.treeAlive && plan.force) {
      receipt.update({ killTime: core.options.clock.wall() });
      onSent();
      await kill(core, process, run);
    }
    receipt.set(finish(core, run, receipt.value));
  } finally {
    run.stops--;
    // A daemon that closes leaves the intent to the next one.
    if (!core.closed) {
      if (run.stops === 0 && !process.removed) core.apply(process, run, "stopEnded", plan.cause);
      // The receipt is final: whoever watches hears of it, though the state may be as before.
      core.note(process, "changed", plan.cause);
      if (!isPart) forgetIntent(core, process, intent);
      core.trySave(process);
      if (process.settled) core.onSettled();
      process.changed.notify();
    }
  }
  return { stopped: !run.treeAlive, receipt: receipt.value };
}

export function newIntent(
  core: Core,
  process: ManagedProcess,
  kind: Intent["kind"],
  plan: Pick<Plan, "cause" | "signal" | "graceMs" | "force">,
  more: Partial<Pick<Intent, "spec" | "keepsDesired">> = {},
): Intent {
  const { cause, signal, graceMs, force } = plan;
  const requestBootMs = core.options.clock.boot();
  const run = process.current.number;
  return {
    kind,
    run,
    cause,
    signal,
    graceMs,
    force,
    requestBootMs,
    signaled: false,
    spec: null,
    keepsDesired: false,
    ...more,
  };
}

export function forgetIntent(_core: Core, process: ManagedProcess, intent: Intent | null): void {
  process.intents = process.intents.filter((other) => other !== intent);
  process.changed.notify();
}

/** The receipt of a stop, where the run shows it for as long as it is the latest one. */
class Receipt {
  readonly #run: Run;
  value: StopReceipt;

  constructor(run: Run, value: StopReceipt) {
    this.#run = run;
    this.value = value;
    run.stop = value;
  }

  update(change: Partial<StopReceipt>): void {
    this.set({ ...this.value, ...change });
  }

  set(value: StopReceipt): void {
    if (this.#run.stop === this.value) this.#run.stop = value;
    this.value = value;
  }
}

function newReceipt(core: Core, plan: Plan, outcome: "pending" | "alreadyStopped"): StopReceipt {
  const { cause, signal, graceMs, force } = plan;
  const time = core.options.clock.wall();
  const times = { requestTime: time, signalTime: null, killTime: null, endTime: outcome === "pending" ? null : time };
  return { cause, signal, graceMs, force, ...times, outcome, survivors: [] };
}

function finish(core: Core, run: Run, receipt: StopReceipt): StopReceipt {
  const survived = run.treeAlive;
  return {
    ...receipt,
    endTime: core.options.clock.wall(),
    outcome: survived ? "survived" : "stopped",
    survivors: survived ? survivorsOf(run) : [],
  };
}

/** Waits until it is decided whether the current run begins. */
export async function untilStarted(core: Core, process: ManagedProcess): Promise<void> {
  for (;;) {
    if (process.starting !== null) await process.starting;
    core.checkOpen();
    core.checkListed(process);
    core.refresh(process);
    if (!process.current.starting) return;
    await process.changed.wait(undefined, recheckMs);
  }
}

/** Kills the whole tree and waits, for a bounded time, until it is gone. */
export async function kill(core: Core, process: ManagedProcess, run: Run): Promise<void> {
  try {
    core.cgroups.kill(process.id, run.number);
  } catch (error) {
    core.options.logger.warn({ id: process.id, error: String(error) }, "cannot kill by cgroup; killing by the shim");
  }
  const deadline = performance.now() + killMs;
  do {
    await send(core, process, run, Control.killTree, sigkill, Target.tree);
    // Whom no shim kills may have forked meanwhile, and nobody tells.
    const again = run.isBlind ? performance.now() + killAgainMs : deadline;
    await until(core, process, run, Math.min(deadline, again), () => !run.treeAlive);
  } while (run.treeAlive && !process.removed && performance.now() < deadline);
}

/** Sends the signal, once more to what the main process leaves behind, and waits out the grace period. */
async function ask(
  core: Core,
  process: ManagedProcess,
  run: Run,
  plan: Plan,
  intent: Intent | null,
  onSent: () => void,
): Promise<void> {
  const number = signalNumber(plan.signal) ?? 0;
  const onlyRest = !run.running;
  if (!plan.signaled) {
    await signalAndContinue(core, process, run, number, onlyRest ? Target.tree : Target.group, intent);
    onSent();
  } else {
    // The daemon that sent it may have died right then.
    await goOn(core, process, run, number, onlyRest ? Target.tree : Target.group);
  }
  if (!onlyRest) {
    await until(core, process, run, plan.deadline, () => !run.running);
    if (!run.treeAlive || run.running) return;
    await signalAndContinue(core, process, run, number, Target.tree);
  }
  await until(core, process, run, plan.deadline, () => !run.treeAlive);
}

async function signalAndContinue(
  core: Core,
  process: ManagedProcess,
  run: Run,
  number: number,
  target: number,
  intent: Intent | null = null,
): Promise<void> {
  const onRecord = intent === null ? undefined : firstSignal(intent);
  await send(core, process, run, Control.signal, number, target, onRecord);
  await goOn(core, process, run, number, target);
}

/** A process that was stopped acts on a signal only when it continues. */
async function goOn(core: Core, process: ManagedProcess, run: Run, number: number, target: number): Promise<void> {
  if (number !== sigkill && number !== sigcont) await send(core, process, run, Control.signal, sigcont, target);
}

/** It is sent once, also if this daemon dies just then: the next one asks the shim. */
function firstSignal(intent: Intent): OnRecord {
  const { cause, requestBootMs: intentBootMs } = intent;
  const onAcknowledged = () => {
    intent.signaled = true;
  };
  return { cause, intentBootMs, onAcknowledged };
}

/** Errors are no matter here: what counts is whether the tree goes. */
async function send(
  core: Core,
  process: ManagedProcess,
  run: Run,
  type: number,
  a: number,
  target: number,
  onRecord?: OnRecord,
): Promise<void> {
  if (!run.treeAlive) return;
  if (run.shimGone) {
    run.remains = refreshRemains(run.remains);
    signalRemains(run.remains, a);
    return;
  }
  try {
    const errno = await (onRecord === undefined
      ? control(core, process, run, type, a, target)
      : signalOnRecord(core, process, run, a, target, onRecord));
    // ESRCH: it has ended already.
    if (errno !== 0 && errno !== noSuchProcess) {
      core.options.logger.warn({ id: process.id, type, errno }, "a shim could not do what a stop asked for");
    }
  } catch (error) {
    if (isUnresponsive(error)) core.options.logger.warn({ id: process.id, type }, String(error));
    else if (!(error instanceof ShimGoneError)) throw error;
  }
}

async function until(
  core: Core,
  process: ManagedProcess,
  run: Run,
  deadline: number,
  met: () => boolean,
): Promise<void> {
  for (let rounds = 0; ; rounds++) {
    core.checkOpen();
    core.refresh(process, run);
    if (process.removed || met()) return;
    const left = deadline - performance.now();
    if (left <= 0) return;
    if (rounds > 0) continueShim(core, process, run);
    await process.changed.wait(undefined, Math.min(left, recheckMs));
  }
}

function makePlan(core: Core, process: ManagedProcess, options: StopOptions, cause: Cause): Plan {
  const { spec } = process;
  const graceMs = options.graceMs ?? spec.stop.graceMs ?? core.options.defaultGraceMs;
  const signal = options.signal || spec.stop.signal || "SIGTERM";
  return { cause, signal, graceMs, force: options.force, deadline: performance.now() + graceMs, signaled: false };
}

export function planOf(
  core: Core,
  process: ManagedProcess,
  options: StopOptions,
  cause: Cause,
): Omit<Plan, "deadline"> {
  return makePlan(core, process, options, cause);
}

/** What lives of a run's tree, at most 64 processes. */
export function survivorsOf(run: Run): readonly ReturnType<typeof describeTree>[number][] {
  if (!run.treeAlive) return [];
  if (run.shimGone) return describeRemains(run.remains);
  return run.shimPid === 0 ? [] : describeTree(run.shimPid);
}

/** For what only a shim can do. */
export function lost(process: ManagedProcess): EngineError {
  return new EngineError(
    "SUPERVISOR_LOST",
    `the shim of process ${process.id} was killed, so this can no longer be done`,
    { id: process.id },
  );
}

/** For requests that need an ended process. */
export function stillRunning(process: ManagedProcess, what: string): EngineError {
  const pids = survivorsOf(process.current)
    .map(({ pid }) => pid)
    .join(",");
  return new EngineError(
    "STILL_RUNNING",
    `process ${process.id} ${what}${pids === "" ? "" : ` (process ids ${pids})`}`,
    { id: process.id, pids },
  );
}
