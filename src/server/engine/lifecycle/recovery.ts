import { closeSync, constants, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Core } from "../core.ts";
import { beginRun, recordFailure } from "../operations/restart.ts";
import { discard } from "../operations/start.ts";
import { ManagedProcess } from "../process/process.ts";
import { readRecord } from "../process/record.ts";
import { isUuid } from "../process/references.ts";
import { RunState } from "../shim/layout.ts";
import { runtimePaths } from "../shim/paths.ts";
import type { RingHeader } from "../shim/ring-header.ts";
import { hasCode } from "../shim/system-error.ts";
import { decided } from "./launch.ts";

/**
 * Rebuilds the table from the runtime directory. The zygote is ready, so every
 * shim that will ever have a ring for what is on disk has published it.
 */
export function recover(core: Core): void {
  const directory = runtimePaths(core.options.runtimeDir).processes;
  const unfinished: ManagedProcess[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const { name } = entry;
    if (!isUuid(name) || !entry.isDirectory()) {
      core.options.logger.warn(
        { path: join(directory, name) },
        "something that is no process lies among them; skipped",
      );
      continue;
    }
    try {
      const process = recoverOne(core, directory, name);
      if (process?.starting) unfinished.push(process);
    } catch (error) {
      core.options.logger.warn({ id: name, error: String(error) }, "cannot read a process; skipped");
    }
  }
  core.cgroups.sweep((id) => core.table.byId(id) !== undefined);
  for (const process of unfinished)
    core.options.logger.info({ id: process.id }, "finishing a start that was under way");
}

function recoverOne(core: Core, parent: string, id: string): ManagedProcess | null {
  const directory = join(parent, id);
  const record = readRecord(directory);
  if (record === null) {
    // A start that had not come as far as its record, or a removal that had come past it.
    rmSync(directory, { recursive: true, force: true });
    return null;
  }
  if (record.id !== id) throw new Error(`its record is that of ${record.id}`);
  const process = new ManagedProcess(id, record.spec, record.createTime, record.run);
  process.failure = record.failure;
  process.oomKilled = record.oomKilled;
  const view = core.readView(process, process.run);
  const failureIsKnown = process.failure !== null;
  if (view === null && !failureIsKnown) return recoverWithoutRing(core, process, directory);
  if (view !== null) core.see(process, view);
  const undecided = !failureIsKnown && view !== null && isUndecided(view.header);
  const unfinished = view !== null && !view.header.done;
  // A shim that is just starting may not have come as far as its control FIFO.
  const attended = unfinished && (undecided || hasShim(core.paths(process).control));
  if (process.run > 1) watchPreviousRun(core, process);
  core.table.add(process);
  if (attended) core.zygote.adopt(id, process.run, view.header.shimPid, view.header.shimStart);
  else if (unfinished) core.shimGone(process, process.run, null);
  if (undecided) process.starting = finish(core, process);
  core.settle(process);
  return process;
}

/** Whether a start that the last daemon asked for has not been seen through. */
function isUndecided(header: RingHeader): boolean {
  return header.state === RunState.starting || header.state === RunState.failed;
}

/** No shim has begun this run, and none will. */
function recoverWithoutRing(core: Core, process: ManagedProcess, directory: string): ManagedProcess | null {
  if (process.run === 1) {
    rmSync(directory, { recursive: true, force: true });
    return null;
  }
  // Its last run was stopped in order to begin this one.
  core.table.add(process);
  watchPreviousRun(core, process);
  rmSync(core.paths(process).run, { recursive: true, force: true });
  beginRun(core, process, process.run).catch((error: unknown) => {
    if (!core.closed) core.options.logger.error({ id: process.id, error: String(error) }, "cannot finish a restart");
  });
  return process;
}

/** Sees a run through whose shim was at work when the last daemon died. */
async function finish(core: Core, process: ManagedProcess): Promise<void> {
  try {
    const failed = await decided(core, process);
    process.starting = null;
    if (failed === null) core.table.touch(process);
    else if (process.run === 1) discard(core, process);
    else recordFailure(core, process, failed);
    core.settle(process);
  } catch (error) {
    process.starting = null;
    if (!core.closed) core.options.logger.error({ id: process.id, error: String(error) }, "cannot finish a start");
  } finally {
    process.changed.notify();
  }
}

function watchPreviousRun(core: Core, process: ManagedProcess): void {
  const run = process.run - 1;
  // The last daemon may have died before it let go of what a restart replaced.
  if (run > 1) rmSync(core.paths(process, run - 1).run, { recursive: true, force: true });
  const header = core.readView(process, run)?.header;
  if (header === undefined || header.done) return;
  if (hasShim(core.paths(process, run).control)) core.zygote.adopt(process.id, run, header.shimPid, header.shimStart);
  else process.lostRuns.add(run);
}

/** A FIFO without a reader refuses a non-blocking writer (fifo(7)). */
function hasShim(control: string): boolean {
  try {
    closeSync(openSync(control, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    if (hasCode(error, "ENXIO", "ENOENT")) return false;
    throw error;
  }
}
