import { statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { ProcessFilter } from "../api/list.ts";
import type { Core } from "../core.ts";
import { erase, release } from "../operations/remove.ts";
import { compileFilter } from "../process/filter.ts";
import type { ManagedProcess } from "../process/process.ts";

/** Many ends at once make one pass. */
const passDelayMs = 100;
const maxDelayMs = 3600 * 1000;
/** Let go in one go, before others get their turn. */
const batch = 100;

/** Lets ended processes go: by count, oldest end first, and by age. */
export class Retention {
  readonly #core: Core;
  #timer: NodeJS.Timeout | null = null;
  #due = Number.POSITIVE_INFINITY;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Something has ended: look soon. */
  wake(): void {
    this.#schedule(passDelayMs);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Removes what is over the count or the age now. */
  pass(): void {
    if (this.#core.closed) return;
    const { count, ageMs } = this.#core.options.retention;
    const settled = byEnd(this.#core.table.ordered.filter((process) => process.settled && !process.removing));
    const now = Date.now();
    const excess = settled.length - count;
    let next = Number.POSITIVE_INFINITY;
    const leaving: ManagedProcess[] = [];
    for (const [index, process] of settled.entries()) {
      const expires = endMs(process) + ageMs;
      if (index < excess || expires <= now) {
        leaving.push(process);
      } else {
        next = Math.min(next, expires - now);
      }
    }
    if (next !== Number.POSITIVE_INFINITY) this.#schedule(Math.min(next + 1, maxDelayMs));
    void letGoAll(this.#core, leaving, () => {});
  }

  #schedule(delayMs: number): void {
    if (this.#core.closed) return;
    const due = performance.now() + delayMs;
    if (this.#timer !== null) {
      if (this.#due <= due) return;
      clearTimeout(this.#timer);
    }
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#due = Number.POSITIVE_INFINITY;
      this.pass();
    }, delayMs);
    this.#timer.unref();
  }
}

/** Removes the ended processes that a filter selects. */
export async function prune(
  core: Core,
  filter: ProcessFilter,
  olderThanMs: number,
  dryRun: boolean,
): Promise<{ ids: string[]; freedBytes: number }> {
  core.checkOpen();
  const fits = compileFilter(core.table, filter);
  const now = Date.now();
  const chosen = byEnd(
    core.table.ordered.filter(
      (process) => process.settled && !process.removing && now - endMs(process) >= olderThanMs && fits(process),
    ),
  );
  const ids: string[] = [];
  let freedBytes = 0;
  const count = (process: ManagedProcess) => {
    ids.push(process.id);
    freedBytes += heldBytes(core, process);
  };
  if (dryRun) for (const process of chosen) count(process);
  else await letGoAll(core, chosen, count);
  return { ids, freedBytes };
}

/** Lets them go in slices, those that are still ended then. Calls `before` for each of them. */
async function letGoAll(
  core: Core,
  processes: readonly ManagedProcess[],
  before: (process: ManagedProcess) => void,
): Promise<void> {
  const leaving: Promise<void>[] = [];
  for (const process of processes) {
    if (leaving.length % batch === batch - 1) await setImmediate();
    if (core.closed) break;
    if (!process.settled || process.removing || process.removed) continue;
    before(process);
    leaving.push(letGo(core, process));
  }
  await Promise.all(leaving);
}

async function letGo(core: Core, process: ManagedProcess): Promise<void> {
  process.removing = true;
  try {
    await release(core, process);
    if (!process.removed && !core.closed) erase(core, process);
  } catch (error) {
    core.options.logger.warn({ id: process.id, error: String(error) }, "cannot let an ended process go");
  } finally {
    process.removing = false;
  }
}

function byEnd(processes: ManagedProcess[]): ManagedProcess[] {
  return processes.sort((a, b) => endMs(a) - endMs(b));
}

function endMs(process: ManagedProcess): number {
  return Number((process.endTime ?? process.createTime) / 1_000_000n);
}

/** Memory of the runtime directory that a process's runs hold. */
function heldBytes(core: Core, process: ManagedProcess): number {
  let bytes = 0;
  for (const run of [process.run - 1, process.run]) {
    const { ring, spec } = core.paths(process, run);
    for (const path of [ring, spec]) bytes += allocated(path);
  }
  return bytes + allocated(join(core.paths(process).process, "process.json"));
}

function allocated(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}
