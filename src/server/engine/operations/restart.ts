import { rmSync } from "node:fs";
import type { StopOptions } from "../api/control.ts";
import type { ProcessInfo, StartFailure } from "../api/process.ts";
import type { Core } from "../core.ts";
import { launch } from "../lifecycle/launch.ts";
import { abortable } from "../notifier.ts";
import type { ManagedProcess } from "../process/process.ts";
import { prepareFailure, startFailed } from "../run/start-failure.ts";
import { release } from "./remove.ts";
import { checkName } from "./start.ts";
import { stillRunning, stopRun } from "./stop.ts";

/**
 * Begins a new run of a process, after stopping the one there is. A restart
 * that meets another one under way gets its result; with `force` it hurries it.
 *
 * What the daemon's death leaves: before the record names the new run, the old
 * run as it is (the caller asks again); after it, a run without a ring, which
 * the next daemon begins, since the old one was stopped for no other purpose.
 */
export async function restart(
  core: Core,
  process: ManagedProcess,
  options: StopOptions,
  signal?: AbortSignal,
): Promise<ProcessInfo> {
  core.checkAccepting();
  if (process.restarting === null) {
    const work = renew(core, process, options);
    process.restarting = work;
    const done = () => {
      process.restarting = null;
      process.changed.notify();
      core.followers.notifyAll(process.id);
      if (process.settled) core.onSettled();
    };
    work.then(done, done);
  } else if (options.force && process.starting === null) {
    stopRun(core, process, options).catch(() => {});
  }
  return await abortable(process.restarting, signal);
}

async function renew(core: Core, process: ManagedProcess, options: StopOptions): Promise<ProcessInfo> {
  if (process.starting !== null) await process.starting;
  core.checkPresent(process);
  core.refresh(process);
  // Of a lost run nothing can be stopped, and its main process is dead.
  if (!process.isLost()) {
    const { stopped } = await stopRun(core, process, options);
    if (!stopped) throw stillRunning(process, "was not restarted, for something of it lives on");
  }
  core.checkAccepting();
  core.checkPresent(process);
  checkName(core, process.spec.name, process);
  // Nobody follows what writers outside the tree would still write to the old run.
  await release(core, process);
  core.checkPresent(process);
  const failed = await beginRun(core, process, process.run + 1);
  if (failed !== null) throw startFailed(process.id, process.spec, failed);
  return core.table.info(process);
}

/** Makes `run` the current run and launches it. Its failure is recorded, and answered. */
export async function beginRun(core: Core, process: ManagedProcess, run: number): Promise<StartFailure | null> {
  const started = Promise.withResolvers<void>();
  process.starting = started.promise;
  try {
    if (process.shimGone) process.lostRuns.add(process.run);
    process.lostRuns.delete(run - 2);
    process.run = run;
    process.view = null;
    process.shimGone = false;
    process.shimFailure = null;
    process.failure = null;
    process.oomKilled = false;
    process.endTime = null;
    core.table.touch(process);
    const failed = store(core, process) ?? (await launch(core, process));
    if (failed !== null) recordFailure(core, process, failed);
    return failed;
  } finally {
    process.starting = null;
    started.resolve();
    process.changed.notify();
  }
}

/** A run that never began, other than a process's first: it stays listed as FAILED. */
export function recordFailure(core: Core, process: ManagedProcess, failed: StartFailure): void {
  process.failure = failed;
  process.endTime = BigInt(Date.now()) * 1_000_000n;
  core.cgroups.leave(process.id, process.run);
  try {
    core.save(process);
  } catch (error) {
    core.options.logger.warn({ id: process.id, error: String(error) }, "cannot record that a restart failed");
  }
  core.table.touch(process);
}

function store(core: Core, process: ManagedProcess): StartFailure | null {
  const { run } = process;
  try {
    core.save(process);
  } catch (error) {
    return prepareFailure(error, core.paths(process).process);
  }
  // The run before the one before is kept by nobody.
  rmSync(core.paths(process, run - 2).run, { recursive: true, force: true });
  return null;
}
