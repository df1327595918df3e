import { rmSync } from "node:fs";
import type { Core } from "../core.ts";
import type { ManagedProcess } from "../process/process.ts";
import { deleteRecord } from "../process/record.ts";
import { control } from "../run/shim-control.ts";
import { ShimGoneError } from "../shim/control.ts";
import { Control } from "../shim/layout.ts";
import { kill, stillRunning } from "./stop.ts";

/** Forgets an ended process; with `force`, kills its tree first. */
export async function remove(core: Core, process: ManagedProcess, force: boolean): Promise<string> {
  core.checkPresent(process);
  if (!force) {
    core.refresh(process);
    if (!process.settled) throw stillRunning(process, "has not ended");
  }
  process.removing = true;
  try {
    for (;;) {
      if (process.starting !== null) await process.starting;
      core.checkOpen();
      if (process.removed) return process.id;
      core.refresh(process);
      if (process.treeAlive) await kill(core, process);
      if (process.treeAlive) throw stillRunning(process, "was killed and does not end");
      // A restart sees the removal and gives up before it begins a run.
      if (process.restarting === null) break;
      await process.restarting.catch(() => {});
    }
    await release(core, process);
    erase(core, process);
    return process.id;
  } finally {
    process.removing = false;
  }
}

/** Removes a settled process whose shim has finished, or has been told to. */
export function erase(core: Core, process: ManagedProcess): void {
  core.table.remove(process);
  core.forgetRuns(process);
  core.cgroups.leave(process.id, process.run);
  const directory = core.paths(process).process;
  try {
    // Without its record the rest is rubbish, which the next daemon removes if this one dies here.
    deleteRecord(directory);
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    core.options.logger.warn({ id: process.id, error: String(error) }, "cannot remove all files of a removed process");
  }
}

/** A shim whose tree is gone may still wait for writers outside the tree. */
export async function release(core: Core, process: ManagedProcess): Promise<void> {
  if (process.view === null || process.final) return;
  try {
    await control(core, process, Control.release);
  } catch (error) {
    if (!(error instanceof ShimGoneError)) throw error;
  }
}
