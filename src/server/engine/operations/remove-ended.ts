import { statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Cause } from "../api/cause.ts";
import type { Core } from "../core.ts";
import type { ManagedProcess } from "../process/process.ts";
import { recordFileName } from "../process/record.ts";
import { deleteFiles, release } from "./remove.ts";

/** Removed in one go, before others get their turn. */
const batch = 100;

/** Whether it may go because others need room, or with all that have ended: supervision has a say. */
export function isSpare(core: Core, process: ManagedProcess): boolean {
  if (!process.expendable || process.removing || process.removed) return false;
  return core.supervision?.mayRemove(core.table.info(process)) ?? true;
}

/** Removes them in slices, those that are still ended then. Calls `before` for each of them. */
export async function removeAll(
  core: Core,
  processes: readonly ManagedProcess[],
  why: Cause,
  before: (process: ManagedProcess) => void,
): Promise<void> {
  const leaving: Promise<void>[] = [];
  for (const process of processes) {
    if (leaving.length % batch === batch - 1) await setImmediate();
    if (core.closed) break;
    if (!isSpare(core, process)) continue;
    before(process);
    leaving.push(removeOne(core, process, why));
  }
  await Promise.all(leaving);
}

async function removeOne(core: Core, process: ManagedProcess, why: Cause): Promise<void> {
  process.removing = true;
  try {
    await release(core, process, process.current);
    if (!process.removed && !core.closed) deleteFiles(core, process, why);
  } catch (error) {
    core.options.logger.warn({ id: process.id, error: String(error) }, "cannot remove an ended process");
  } finally {
    process.removing = false;
  }
}

/** The one that ended first comes first. */
export function byEnd(processes: ManagedProcess[]): ManagedProcess[] {
  return processes.sort(
    (a, b) => (a.current.end?.bootMs ?? 0) - (b.current.end?.bootMs ?? 0) || a.sequence - b.sequence,
  );
}

/** Milliseconds since nothing was left of it, on a clock that nobody sets. The shim's is finer, and may be ahead. */
export function endedFor(core: Core, process: ManagedProcess): number {
  const now = core.options.clock.boot();
  return Math.max(0, now - (process.current.end?.bootMs ?? now));
}

/** Memory of the runtime directory that a process's runs hold. What has settled holds what it holds. */
export function heldBytes(core: Core, process: ManagedProcess): number {
  const key = `${process.current.number}/${process.earlier.length}`;
  const known = held.get(process);
  if (known?.key === key && process.settled) return known.bytes;
  let bytes = allocated(join(core.paths(process).process, recordFileName));
  for (const { number } of process.runs) {
    const { ring, spec } = core.paths(process, number);
    for (const path of [ring, spec]) bytes += allocated(path);
  }
  held.set(process, { key, bytes });
  return bytes;
}

const held = new WeakMap<ManagedProcess, { readonly key: string; readonly bytes: number }>();

/** Memory that a file holds; 0: there is none. */
export function allocated(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}
