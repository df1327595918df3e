import { rmSync } from "node:fs";
import type { Cause } from "../api/cause.ts";
import type { RequestContext } from "../api/control.ts";
import type { Core } from "../core.ts";
import type { Intent } from "../process/intent.ts";
import type { ManagedProcess } from "../process/process.ts";
import { deleteRecord } from "../process/record.ts";
import type { Run } from "../run/run.ts";
import { control, isUnresponsive } from "../run/shim-control.ts";
import { ShimGoneError } from "../shim/control.ts";
import { Control } from "../shim/layout.ts";
import { checkPrecondition } from "./conditions.ts";
import { decideLeftEnd } from "./decide-end.ts";
import { causeOf, forgetIntent, newIntent, stillRunning, stopRun, survivorsOf, untilStarted } from "./stop.ts";

/** How long a tree of which no process is left may take to be reported gone. */
const reportMs = 2_000;

/** Removes an ended process; with `force`, kills its tree first. */
export async function remove(
  core: Core,
  process: ManagedProcess,
  force: boolean,
  context: RequestContext,
): Promise<string> {
  core.checkPresent(process);
  checkPrecondition(core, process, context);
  if (!force) {
    await untilReported(core, process);
    core.checkPresent(process);
    checkPrecondition(core, process, context);
    if (!process.settled) throw stillRunning(process, "has not ended");
  }
  const cause = causeOf(context);
  const plan = { cause, signal: "SIGKILL", graceMs: 0, force: true };
  const intent = newIntent(core, process, "remove", plan);
  process.intents = [...process.intents, intent];
  return await carryOutRemoval(core, process, intent);
}

/** Removes what was to be removed; also goes on with what an earlier daemon began. */
export async function carryOutRemoval(core: Core, process: ManagedProcess, intent: Intent): Promise<string> {
  process.removing = true;
  const { cause } = intent;
  try {
    for (;;) {
      await untilStartedOrGone(core, process);
      if (process.removed) return process.id;
      const run = process.current;
      if (run.treeAlive) {
        const options = { signal: "SIGKILL", graceMs: 0, force: true };
        await stopRun(core, process, options, cause, { kind: "remove", onRecord: true });
      }
      if (process.current.treeAlive) throw stillRunning(process, "was killed and does not end");
      // A restart sees the removal and gives up before it begins a run.
      if (process.restarting === null) break;
      await process.restarting.catch(() => {});
    }
    await release(core, process, process.current);
    deleteFiles(core, process, cause);
    return process.id;
  } finally {
    process.removing = false;
    if (!core.closed) {
      forgetIntent(core, process, intent);
      core.trySave(process);
      decideLeftEnd(core, process);
    }
  }
}

/** Removes a settled process whose shim has finished, or has been told to. */
export function deleteFiles(core: Core, process: ManagedProcess, cause: Cause): void {
  core.table.remove(process);
  core.note(process, "removed", cause);
  // On record before anything is deleted: whatever is left, the next daemon may delete.
  core.journal.flush();
  core.forgetRuns(process);
  core.cgroups.leave(process.id, process.current.number);
  const directory = core.paths(process).process;
  try {
    if (process.readOnly) core.quarantine.setAside(directory, "the record of a newer pm", process.id);
    deleteRecord(directory);
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    core.options.logger.warn({ id: process.id, error: String(error) }, "cannot remove all files of a removed process");
  }
}

/** A shim whose tree is gone may still wait for writers outside the tree. */
export async function release(core: Core, process: ManagedProcess, run: Run): Promise<void> {
  if (run.view === null || run.final) return;
  try {
    await control(core, process, run, Control.release);
  } catch (error) {
    // It waits for writers outside the tree, and for nothing that is anybody's any more.
    if (isUnresponsive(error)) core.options.logger.warn({ id: process.id, run: run.number }, String(error));
    else if (!(error instanceof ShimGoneError)) throw error;
  }
}

async function untilStartedOrGone(core: Core, process: ManagedProcess): Promise<void> {
  if (process.starting !== null) await process.starting;
  if (!process.removed) await untilStarted(core, process);
}

/** A main process may have been seen to end before its shim could say that nothing else lives. */
async function untilReported(core: Core, process: ManagedProcess): Promise<void> {
  core.refresh(process);
  const run = process.current;
  const deadline = performance.now() + reportMs;
  while (run.ended && run.treeAlive && !run.shimGone && survivorsOf(run).length === 0) {
    const left = deadline - performance.now();
    if (left <= 0) return;
    await process.changed.wait(undefined, left);
    core.checkOpen();
    core.refresh(process, run);
  }
}
