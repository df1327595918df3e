import type { Cause } from "../api/cause.ts";
import type { ProcessFilter } from "../api/list.ts";
import type { WatchEvent } from "../api/watch.ts";
import type { Core } from "../core.ts";
import { Notifier } from "../notifier.ts";
import { compileFilter } from "../process/filter.ts";
import type { ManagedProcess } from "../process/process.ts";

interface Change {
  readonly id: string;
  /** When it happened last. */
  readonly sequence: number;
  /** Null: the process was removed. */
  readonly process: ManagedProcess | null;
  /** Why it was removed, where that is known. */
  readonly cause: Cause | null;
}

/**
 * Changes of the processes that a filter selects, in order. Several changes of
 * one process that nobody has read yet are one, so a watch that nobody reads
 * holds no more than one entry for each process. A process appears once its
 * first run was executed: a start that fails is nobody's news.
 */
export async function* watch(
  core: Core,
  options: { resourceVersion: string; filter: ProcessFilter; bookmarkMs: number },
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  core.checkOpen();
  const { table } = core;
  const resume = options.resourceVersion === "" ? null : table.parseVersion(options.resourceVersion);
  const fits = compileFilter(table, options.filter);
  const dirty = new Map<string, Change>();
  const news = new Notifier();
  /** What the watcher has been told of and not told to be gone. */
  const known = new Set<string>();
  const note = (process: ManagedProcess) => {
    if (process.announcedAt === 0) return;
    // The order of a Map is that of insertion: the latest change goes last.
    dirty.delete(process.id);
    const { id, changedAt: sequence, removed } = process;
    dirty.set(id, { id, sequence, process: removed ? null : process, cause: removed ? process.removalCause : null });
    news.notify();
  };
  const closed = core.onClose(() => news.notify());
  const unlisten = table.listen(note);
  try {
    if (resume === null) {
      for (const process of [...table.ordered]) {
        if (process.removed || process.announcedAt === 0 || !fits(process)) continue;
        known.add(process.id);
        core.checkOpen();
        yield { type: "added", process: table.info(process), resourceVersion: "" };
        signal.throwIfAborted();
      }
    } else {
      for (const change of changesAfter(core, resume, known)) dirty.set(change.id, change);
    }
    // What changed meanwhile is still to come, so the bookmark lies before it.
    const oldest = Math.min(table.sequence, ...[...dirty.values()].map(({ sequence }) => sequence - 1));
    yield { type: "bookmark", resourceVersion: table.version(Math.max(resume ?? 0, oldest)) };
    for (;;) {
      signal.throwIfAborted();
      core.checkOpen();
      const [change] = dirty.values();
      if (change === undefined) {
        const changed = await news.wait(signal, options.bookmarkMs);
        if (!changed) yield { type: "bookmark", resourceVersion: table.version(table.sequence) };
        continue;
      }
      dirty.delete(change.id);
      const event = describe(core, change, fits, known);
      if (event !== null) yield event;
    }
  } finally {
    unlisten();
    closed();
  }
}

function describe(
  core: Core,
  { id, sequence, process, cause }: Change,
  fits: (process: ManagedProcess) => boolean,
  known: Set<string>,
): WatchEvent | null {
  const resourceVersion = core.table.version(sequence);
  if (process === null) {
    const removal = cause?.kind === "retention" ? "retention" : "removed";
    return known.delete(id) ? { type: "removed", id, removal, cause, resourceVersion } : null;
  }
  if (!fits(process)) {
    const why = process.lastChange.cause;
    return known.delete(id) ? { type: "removed", id, removal: "filter", cause: why, resourceVersion } : null;
  }
  const type = known.has(id) ? "modified" : "added";
  known.add(id);
  return { type, process: core.table.info(process), resourceVersion };
}

/**
 * What happened after a sequence number, of an earlier daemon too. Whoever was
 * there then counts as known.
 */
function changesAfter(core: Core, sequence: number, known: Set<string>): Change[] {
  const { table, journal } = core;
  const changes: Change[] = [];
  for (const process of table.ordered) {
    if (process.announcedAt === 0) continue;
    if (process.announcedAt <= sequence) known.add(process.id);
    if (process.changedAt > sequence) {
      changes.push({ id: process.id, sequence: process.changedAt, process, cause: null });
    }
  }
  const created = new Set<string>();
  for (const entry of journal.read(sequence).entries) {
    const { processId: id, type, cause } = entry;
    if (type === "created") created.add(id);
    if (type !== "removed" || created.has(id) || table.byId(id) !== undefined) continue;
    known.add(id);
    changes.push({ id, sequence: entry.sequence, process: null, cause });
  }
  return changes.sort((a, b) => a.sequence - b.sequence);
}
