import { setImmediate } from "node:timers/promises";
import type { EventsFrame, EventType, JournalEvent, StreamEventsOptions } from "../api/event.ts";
import type { ProcessFilter } from "../api/list.ts";
import type { Core } from "../core.ts";
import type { JournalEntry } from "../history/entry.ts";
import { Notifier } from "../notifier.ts";
import { compileFilter, isEmptyFilter } from "../process/filter.ts";
import { compileGlob } from "../process/glob.ts";

/** Looked at in one go, before others get their turn. */
const batch = 1_000;

/** Entries of the journal, each one, in order; with `follow` it never ends by itself. */
export async function* events(
  core: Core,
  options: StreamEventsOptions,
  signal: AbortSignal,
): AsyncGenerator<EventsFrame, void, undefined> {
  core.checkOpen();
  const { journal } = core;
  const fits = compileEntryFilter(core, options);
  const news = new Notifier();
  const unlisten = journal.listen(() => news.notify());
  const closed = core.onClose(() => news.notify());
  try {
    const last = journal.sequence;
    let position = options.afterSequence ?? (options.follow ? last : journal.firstSequence - 1);
    yield {
      kind: "opened",
      journalId: journal.identity,
      firstSequence: journal.firstSequence,
      lastSequence: last,
    };
    for (;;) {
      signal.throwIfAborted();
      core.checkOpen();
      const end = options.follow ? journal.sequence : Math.min(last, journal.sequence);
      if (position >= end) {
        if (!options.follow) return;
        const came = await news.wait(signal, options.heartbeatMs);
        core.checkOpen();
        if (!came) yield { kind: "heartbeat", sequence: position };
        continue;
      }
      const { gap, entries } = journal.read(position, batch);
      if (gap !== null) {
        yield { kind: "dropped", from: gap.from, to: gap.to + 1 };
        position = Math.max(position, gap.to);
        if (entries.length === 0 || (entries.at(-1)?.sequence ?? 0) <= position) continue;
      }
      if (entries.length === 0) position = end;
      for (const entry of entries) {
        if (entry.sequence <= position) continue;
        if (entry.sequence > end) return;
        position = entry.sequence;
        const event = fits(entry) ? toEvent(entry) : null;
        if (event !== null) yield { kind: "event", event };
        signal.throwIfAborted();
      }
      await setImmediate();
    }
  } finally {
    unlisten();
    closed();
  }
}

function compileEntryFilter(core: Core, { filter, types }: StreamEventsOptions): (entry: JournalEntry) => boolean {
  const wanted = new Set<string>(types);
  const chosen = filter === null || isEmptyFilter(filter) ? null : compileProcess(core, filter);
  return (entry) =>
    entry.type !== "changed" && (wanted.size === 0 || wanted.has(entry.type)) && (chosen === null || chosen(entry));
}

/** Of a process that is gone only its id and its name are known. */
function compileProcess(core: Core, filter: ProcessFilter): (entry: JournalEntry) => boolean {
  const fits = compileFilter(core.table, filter);
  const patterns = filter.namePatterns.map(compileGlob);
  const ids = new Set(filter.ids);
  const names = new Set(filter.names);
  const isNamed = ids.size + names.size + patterns.length + filter.idPrefixes.length > 0;
  return ({ processId, processName }) => {
    const process = core.table.byId(processId);
    if (process !== undefined) return fits(process);
    if (processId === "" || !isNamed) return false;
    return (
      ids.has(processId) ||
      filter.idPrefixes.some((prefix) => processId.startsWith(prefix)) ||
      names.has(processName) ||
      (processName !== "" && patterns.some((pattern) => pattern(processName)))
    );
  };
}

function toEvent(entry: JournalEntry): JournalEvent | null {
  const { type, from, to, run } = entry;
  if (!isEventType(type)) return null;
  return {
    sequence: entry.sequence,
    time: BigInt(entry.timeMicros) * 1000n,
    type,
    processId: entry.processId,
    processName: entry.processName,
    run: run === 0 ? null : run,
    from: from === "" ? null : from,
    to: to === "" ? null : to,
    cause: entry.cause,
    exit: entry.exit,
    ...(entry.supervision === undefined ? {} : { supervision: entry.supervision }),
  };
}

function isEventType(type: JournalEntry["type"]): type is EventType {
  return type !== "changed";
}
