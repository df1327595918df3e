import { rmSync } from "node:fs";
import type { Cause } from "../api/cause.ts";
import type { Core } from "../core.ts";
import { allocated, byEnd, endedFor, heldBytes, isSpare, removeAll } from "../operations/remove-ended.ts";
import type { ManagedProcess } from "../process/process.ts";
import type { Run } from "../run/run.ts";

/** Many ends at once make one pass. */
const passDelayMs = 100;
const maxDelayMs = 3600 * 1000;

const cause: Cause = { kind: "retention", principal: "", requestId: "", detail: "" };

/** Removes ended processes: by count and by total memory, the oldest end first, and by age. */
export class Retention {
  readonly #core: Core;
  /** All that have ended, and perhaps some that have begun again: a pass does not go through those that run. */
  readonly #ended: Set<ManagedProcess>;
  readonly #unlisten: () => void;
  #timer: NodeJS.Timeout | null = null;
  #due = Number.POSITIVE_INFINITY;

  constructor(core: Core) {
    this.#core = core;
    this.#ended = new Set(core.table.ordered.filter(({ current }) => current.ended));
    this.#unlisten = core.table.listen((process) => {
      if (process.removed) this.#ended.delete(process);
      else if (process.current.ended) this.#ended.add(process);
    });
  }

  /** Something has ended: look soon. */
  wake(): void {
    this.#schedule(passDelayMs);
  }

  close(): void {
    this.#unlisten();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Removes what is over the count, the memory or the age now. */
  pass(): void {
    if (this.#core.closed) return;
    const { count, ageMs, bytes } = this.#core.options.retention;
    for (const process of this.#ended) {
      if (!process.current.ended) this.#ended.delete(process);
    }
    const settled = byEnd([...this.#ended].filter((process) => isSpare(this.#core, process)));
    let next = Number.POSITIVE_INFINITY;
    let held = settled.reduce((sum, process) => sum + heldBytes(this.#core, process), 0);
    const leaving: ManagedProcess[] = [];
    for (const process of settled) {
      const age = endedFor(this.#core, process);
      if (settled.length - leaving.length > count || held > bytes || age >= ageMs) {
        held -= heldBytes(this.#core, process);
        leaving.push(process);
      } else {
        next = Math.min(next, ageMs - age);
      }
    }
    if (next !== Number.POSITIVE_INFINITY) this.#schedule(Math.min(next + 1, maxDelayMs));
    void removeAll(this.#core, leaving, cause, () => {});
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

/**
 * Makes room: the output of the run that ended first among those that have been
 * followed by another one, else the process that ended first. Answers whether
 * there was something.
 */
export async function dropOldest(core: Core, except: ManagedProcess): Promise<boolean> {
  const past = core.table.ordered
    .flatMap((process) => process.earlier.map((run) => ({ process, run })))
    .filter(({ process, run }) => !process.removing && allocated(core.paths(process, run.number).ring) > 0)
    .sort((a, b) => (a.run.end?.bootMs ?? 0) - (b.run.end?.bootMs ?? 0))[0];
  if (past !== undefined) {
    dropOutput(core, past.process, past.run);
    return true;
  }
  const candidates = core.table.ordered.filter((process) => process !== except && isSpare(core, process));
  const [oldest] = byEnd(candidates);
  if (oldest === undefined) return false;
  await removeAll(core, [oldest], { ...cause, detail: "no room was left for others" }, () => {});
  return oldest.removed;
}

/** What is known of the run stays on record. */
function dropOutput(core: Core, process: ManagedProcess, run: Run): void {
  run.summary ??= run.summarize();
  run.view = null;
  core.rings.release(run);
  run.outputDropped = true;
  core.trySave(process);
  rmSync(core.paths(process, run.number).run, { recursive: true, force: true });
  core.outputs.notify(run);
}
