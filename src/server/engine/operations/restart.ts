import { rmSync } from "node:fs";
import type { Cause } from "../api/cause.ts";
import type { RequestContext, StopOptions } from "../api/control.ts";
import type { ProcessInfo } from "../api/process.ts";
import type { StartFailure } from "../api/run.ts";
import type { ProcessSpec } from "../api/spec.ts";
import { noAttempts } from "../api/supervision.ts";
import type { Core } from "../core.ts";
import type { Intent } from "../process/intent.ts";
import type { ManagedProcess } from "../process/process.ts";
import { effectiveSpec, normalizeSpec, sameSpec, treeLimits } from "../process/spec.ts";
import { giveRoom, launch, prepareRun, undoPreparation } from "../run/launch.ts";
import { makeRoom } from "../run/make-room.ts";
import { Run } from "../run/run.ts";
import { prepareFailure, startFailed } from "../run/start-failure.ts";
import { checkPrecondition } from "./conditions.ts";
import { decideLeftEnd } from "./decide-end.ts";
import { release } from "./remove.ts";
import { checkName, unsupportedLimit } from "./start.ts";
import {
  causeOf,
  decidesDesire,
  forgetIntent,
  newIntent,
  planOf,
  resumeStop,
  stillRunning,
  stopRun,
  untilStarted,
} from "./stop.ts";

/**
 * Begins a new run of a process, after stopping the one there is. A restart
 * that meets another one under way gets its result; with `force` it hurries it.
 * One that meets a run which supervision begins replaces that, and one with
 * another spec than the run that is to begin comes after it.
 *
 * What the daemon's death leaves: the intent, which the next daemon carries on;
 * once the record names the new run, a run without a ring, which it begins.
 */
export async function restart(
  core: Core,
  process: ManagedProcess,
  options: StopOptions,
  spec: ProcessSpec | null,
  context: RequestContext,
): Promise<ProcessInfo> {
  core.checkAccepting();
  core.checkPresent(process);
  checkPrecondition(core, process, context);
  const next = spec === null ? null : normalizeSpec(spec, core.options);
  const cause = causeOf(context);
  const underWay = process.restarting;
  if (underWay === null) {
    process.nextSpec = next;
    return await follow(core, process, renew(core, process, options, next, cause, context));
  }
  const isOther = next !== null && !sameSpec(next, process.nextSpec ?? process.spec);
  if (options.force && !process.restartsItself && !process.current.starting) {
    stopRun(core, process, options, cause, { kind: "restart", onRecord: true }).catch(() => {});
  }
  if (!process.restartsItself && !isOther) return await underWay;
  // What is asked for is a run from now on, with what the process is by now.
  await underWay.catch(() => {});
  return await restart(core, process, options, spec, context);
}

/** Goes on with a restart that an earlier daemon began. */
export async function resumeRestart(core: Core, process: ManagedProcess, intent: Intent): Promise<void> {
  process.nextSpec = intent.spec;
  await follow(core, process, renewFrom(core, process, intent));
}

export function follow(core: Core, process: ManagedProcess, work: Promise<ProcessInfo>): Promise<ProcessInfo> {
  process.restarting = work;
  const done = () => {
    process.restarting = null;
    process.nextSpec = null;
    process.restartsItself = false;
    process.changed.notify();
    core.outputs.notifyAll(process);
    // Not before: supervision begins no run beside it.
    decideLeftEnd(core, process);
    if (process.settled) core.onSettled();
  };
  work.then(done, done);
  return work;
}

async function renew(
  core: Core,
  process: ManagedProcess,
  options: StopOptions,
  next: ProcessSpec | null,
  cause: Cause,
  context: RequestContext,
): Promise<ProcessInfo> {
  await untilStarted(core, process);
  core.checkPresent(process);
  checkPrecondition(core, process, context);
  const spec = next ?? process.spec;
  unsupportedLimit(core, spec);
  checkName(core, process.name, process);
  // What the new run needs is made before the old one is stopped.
  const run = newRun(core, process, spec, cause);
  const unprepared = await makeRoom(core, process, () => prepareRun(core, process, run, spec));
  if (unprepared !== null) throw startFailed(process.id, spec, unprepared);
  if (process.removing) {
    undoPreparation(core, process, run);
    core.checkPresent(process);
  }
  const intent = newIntent(core, process, "restart", planOf(core, process, options, cause), { spec: next });
  process.intents = [...process.intents, intent];
  const { desired } = process;
  const hadEnded = process.current.ended;
  if (decidesDesire(cause)) process.desired = "running";
  core.trySave(process);
  core.note(process, "restartRequested", cause);
  core.journal.flush();
  try {
    const { stopped } = await stopRun(core, process, options, cause, { kind: "restart", onRecord: true, intent });
    if (!stopped) throw stillRunning(process, "was not restarted, for something of it lives on");
    return await begin(core, process, run, spec, intent);
  } catch (error) {
    if (!core.closed) {
      if (process.current.number !== run.number) {
        undoPreparation(core, process, run);
        // It has changed nothing, so what the process is meant to do is as before.
        if (hadEnded && process.standing === null && process.desired === "running") process.desired = desired;
      }
      forgetIntent(core, process, intent);
      core.trySave(process);
    }
    throw error;
  }
}

async function renewFrom(core: Core, process: ManagedProcess, intent: Intent): Promise<ProcessInfo> {
  try {
    await untilStarted(core, process);
    const spec = intent.spec ?? process.spec;
    // The run that was to be replaced has been.
    if (process.current.number > intent.run) {
      forgetIntent(core, process, intent);
      core.trySave(process);
      return core.table.info(process);
    }
    const run = newRun(core, process, spec, { ...intent.cause, detail: "carried on by the next daemon" });
    const unprepared = prepareRun(core, process, run, spec);
    if (unprepared !== null) throw startFailed(process.id, spec, unprepared);
    const stopped = process.current.treeAlive ? await stopForRestart(core, process, intent) : true;
    if (!stopped) {
      undoPreparation(core, process, run);
      throw stillRunning(process, "was not restarted, for something of it lives on");
    }
    return await begin(core, process, run, spec, intent);
  } catch (error) {
    if (!core.closed) {
      forgetIntent(core, process, intent);
      core.trySave(process);
      core.options.logger.error({ id: process.id, error: String(error) }, "cannot carry on a restart");
    }
    throw error;
  }
}

/** The intent stays on record until the new run has begun. */
async function stopForRestart(core: Core, process: ManagedProcess, intent: Intent): Promise<boolean> {
  const { stopped } = await resumeStop(core, process, intent, true);
  return stopped;
}

async function begin(
  core: Core,
  process: ManagedProcess,
  run: Run,
  spec: ProcessSpec,
  intent: Intent,
): Promise<ProcessInfo> {
  core.checkAccepting();
  core.checkPresent(process);
  checkName(core, process.name, process);
  // Nobody follows what writers outside the tree would still write to the old run.
  await release(core, process, process.current);
  core.checkPresent(process);
  if (intent.spec === null && process.spec !== spec) {
    // It was updated while the last run was stopped.
    undoPreparation(core, process, run);
    const { spec: updated } = process;
    const anew = newRun(core, process, updated, run.cause);
    const unprepared = await makeRoom(core, process, () => prepareRun(core, process, anew, updated));
    if (unprepared !== null) throw startFailed(process.id, updated, unprepared);
    return await begin(core, process, anew, updated, intent);
  }
  process.spec = spec;
  // Somebody starts it: what was before does not count. Not before this: a restart that is refused changes nothing.
  if (process.supervision !== undefined) process.supervision = { ...process.supervision, attempts: noAttempts };
  forgetIntent(core, process, intent);
  const failed = await beginRun(core, process, run);
  if (failed !== null) throw startFailed(process.id, spec, failed);
  return core.table.info(process);
}

export function newRun(core: Core, process: ManagedProcess, spec: ProcessSpec, cause: Cause): Run {
  return new Run({
    number: process.current.number + 1,
    cause,
    createTime: core.options.clock.wall(),
    sequence: core.journal.sequence + 1,
    effective: effectiveSpec(spec, core.options),
    limits: treeLimits(spec),
  });
}

/**
 * Makes a prepared run the current one and launches it. Its failure is
 * recorded, and answered.
 *
 * @param unprepared Why it could not be prepared: that is its failure then.
 */
export async function beginRun(
  core: Core,
  process: ManagedProcess,
  run: Run,
  unprepared: StartFailure | null = null,
): Promise<StartFailure | null> {
  const { state, runs: previous } = process;
  const { keptRuns } = core.options;
  const dropped = previous.slice(keptRuns - 1);
  process.earlier = previous.slice(0, keptRuns - 1);
  process.current = run;
  process.standing = null;
  // With the run, not when it is answered: by then it may have ended, and the process wait for the next one.
  if (process.supervision !== undefined) process.supervision = { ...process.supervision, waiting: null };
  process.endIsUndecided = false;
  process.endsWithDaemon = false;
  core.note(process, "stateChanged", run.cause, { from: state, to: "starting" });
  // Whatever stood in for its files must be gone before its shim makes them.
  giveRoom(core, process, run);
  try {
    core.save(process);
  } catch (error) {
    core.fail(process, run, prepareFailure(error, core.paths(process).process), "startFailed");
  }
  if (unprepared !== null) core.fail(process, run, unprepared, "startFailed");
  for (const old of dropped) {
    core.outputs.notify(old);
    core.forgetRun(process, old);
    rmSync(core.paths(process, old.number).run, { recursive: true, force: true });
  }
  return run.starting ? await launch(core, process, run) : run.failure;
}

/** Begins a run that an earlier daemon had put on record and not launched. */
export async function relaunch(core: Core, process: ManagedProcess, run: Run): Promise<StartFailure | null> {
  rmSync(core.paths(process, run.number).run, { recursive: true, force: true });
  const unprepared = prepareRun(core, process, run, process.spec);
  if (unprepared !== null) core.fail(process, run, unprepared, "startFailed");
  return run.starting ? await launch(core, process, run) : run.failure;
}
