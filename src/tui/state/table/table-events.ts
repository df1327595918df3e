import type { ProcessInfo, ProcessUsage, WatchEvent } from "../../../sdk/types.ts";
import type { PersistentMap } from "./persistent-map.ts";
import { Counter } from "./process-counts.ts";
import { findRow, type Row, replaceRows, rowOf } from "./rows.ts";
import { sortsByUsage } from "./sort.ts";
import { EMPTY_TABLE, rearrange, type TableState, tableMatcher, tableOrder, withRows } from "./table.ts";
import { NO_USAGE, type UsageTotal } from "./usage.ts";

/** An event that is about one process. */
type Change = Exclude<WatchEvent, { type: "bookmark" | "reset" }>;

/** Applies a batch of events of the watch. */
export function applyWatchEvents(table: TableState, events: readonly WatchEvent[]): TableState {
  let next = table;
  let changes: Change[] = [];
  const flush = (): void => {
    if (changes.length > 0) {
      next = next.incoming ? { ...next, incoming: collect(next.incoming, changes) } : applyChanges(next, changes);
      changes = [];
    }
  };
  for (const event of events) {
    if (event.type === "reset") {
      flush();
      next = next.loaded ? { ...next, incoming: EMPTY_TABLE.processes } : beginAnew(next);
    } else if (event.type === "bookmark") {
      flush();
      next = next.incoming ? takeOver(next, next.incoming) : next.loaded ? next : { ...next, loaded: true };
    } else {
      changes.push(event);
    }
  }
  flush();
  // Nobody has chosen anything while the first list comes in: it begins at its first row.
  return table.loaded || next === table
    ? next
    : { ...next, selected: next.order[0] ?? null, index: 0, origin: null, isOriginHidden: false };
}

/** A first list is shown as it comes. */
function beginAnew({ filter, sortKey, reversed }: TableState): TableState {
  return { ...EMPTY_TABLE, filter, sortKey, reversed };
}

function collect(processes: PersistentMap<ProcessInfo>, changes: readonly Change[]): PersistentMap<ProcessInfo> {
  const editor = processes.edit();
  for (const change of changes) {
    if (change.type === "removed") {
      editor.delete(change.id);
    } else {
      editor.set(change.process.id, change.process);
    }
  }
  return editor.done();
}

/** A later list takes the old one's place when it is whole, so that nothing jumps. */
function takeOver(table: TableState, processes: PersistentMap<ProcessInfo>): TableState {
  const counter = new Counter();
  const usages = EMPTY_TABLE.usages.edit();
  for (const process of processes.values()) {
    counter.add(process);
    const usage = table.usages.get(process.id);
    if (usage && process.run?.treeAlive) {
      usages.set(process.id, usage);
    }
  }
  return rearrange({
    ...table,
    processes,
    counts: counter.done(),
    usages: usages.done(),
    marks: knownMarks(table.marks, processes),
    incoming: null,
  });
}

function knownMarks(marks: ReadonlySet<string>, processes: PersistentMap<ProcessInfo>): ReadonlySet<string> {
  const known = [...marks].filter((id) => processes.has(id));
  return known.length === marks.size ? marks : new Set(known);
}

/** Takes over what has changed; only that is counted, filtered and sorted. */
function applyChanges(table: TableState, changes: readonly Change[]): TableState {
  const processes = collect(table.processes, changes);
  const counter = new Counter(table.counts);
  const usages = table.usages.edit();
  const changed = new Set(changes.map((change) => (change.type === "removed" ? change.id : change.process.id)));
  for (const id of changed) {
    const before = table.processes.get(id);
    const after = processes.get(id);
    if (before) {
      counter.remove(before);
    }
    if (after) {
      counter.add(after);
    }
    if (!after?.run?.treeAlive || after.run.number !== before?.run?.number) {
      usages.delete(id);
    }
  }
  const marks = knownMarks(table.marks, processes);
  const next = { ...table, processes, counts: counter.done(), usages: usages.done(), marks };
  return replaceChanged(table, next, changed);
}

/** Puts those that have changed where they belong now. */
function replaceChanged(before: TableState, after: TableState, changed: ReadonlySet<string>): TableState {
  const matcher = tableMatcher(after);
  const order = tableOrder(after);
  const gone: number[] = [];
  const fresh: Row[] = [];
  for (const id of changed) {
    const old = before.processes.get(id);
    const place = old ? findRow(before.rows, rowOf(old, before.usages.get(id), before.sortKey, null), order) : -1;
    const process = after.processes.get(id);
    const row = process && rowOf(process, after.usages.get(id), after.sortKey, matcher);
    const oldRow = before.rows[place];
    if (row && oldRow && order(row, oldRow) === 0 && row.rank === oldRow.rank) {
      continue;
    }
    if (oldRow) {
      gone.push(place);
    }
    if (row) {
      fresh.push(row);
    }
  }
  if (gone.length + fresh.length === 0) {
    return after;
  }
  gone.sort((a, b) => a - b);
  return withRows(after, replaceRows(before.rows, gone, fresh, order));
}

/**
 * Takes a sample over, or a piece of one: `more` says that more of the same
 * sample follows. Processes that are not in it keep what was known of them while
 * they live.
 */
export function applyUsages(table: TableState, sample: readonly ProcessUsage[], more = false): TableState {
  const usages = table.usages.edit();
  const changed = new Set<string>();
  let { cpuPercent: cpu, residentBytes: memory, processes } = table.incomingUsage;
  for (const { id, cpuPercent, residentBytes } of sample) {
    const before = usages.get(id);
    // What is known of a process goes when it ends: it must not come back with a sample that was under way.
    if (!before && !table.processes.get(id)?.run?.treeAlive) {
      continue;
    }
    // The first sample of a stream has no percentage; the previous one is better than none.
    const percent = cpuPercent ?? before?.cpuPercent;
    if (before?.cpuPercent !== percent || before?.residentBytes !== residentBytes) {
      usages.set(id, percent === undefined ? { residentBytes } : { cpuPercent: percent, residentBytes });
      changed.add(id);
    }
    cpu += percent ?? 0;
    memory += residentBytes;
    processes++;
  }
  const total: UsageTotal = { cpuPercent: cpu, residentBytes: memory, processes };
  const next: TableState = {
    ...table,
    usages: usages.done(),
    ...(more ? { incomingUsage: total } : { incomingUsage: NO_USAGE, usageTotal: total }),
  };
  return sortsByUsage(table.sortKey) ? replaceChanged(table, next, changed) : next;
}
