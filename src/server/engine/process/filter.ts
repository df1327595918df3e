import type { LabelRequirement, ProcessFilter } from "../api/list.ts";
import { compileGlob } from "./glob.ts";
import type { ManagedProcess } from "./process.ts";
import type { Table } from "./table.ts";

/** The processes that a filter selects, in order of creation: as many are looked at as it names, if it names them. */
export function selected(table: Table, filter: ProcessFilter): ManagedProcess[] {
  return (named(table, filter) ?? table.ordered).filter(compileFilter(table, filter));
}

/** All that a filter can select, in order of creation; null: it does not name them. */
function named(table: Table, { ids, idPrefixes, names, namePatterns }: ProcessFilter): ManagedProcess[] | null {
  if (ids.length + names.length === 0 || idPrefixes.length + namePatterns.length > 0) return null;
  const found = [...ids.map((id) => table.byId(id)), ...names.map((name) => table.byName(name))];
  return [...new Set(found.filter((process) => process !== undefined))].sort(
    (a, b) => a.sequence - b.sequence || (a.id < b.id ? -1 : 1),
  );
}

/**
 * Answers whether a process fits a filter. Names are looked up each time: which
 * process a name means changes.
 */
export function compileFilter(table: Table, filter: ProcessFilter): (process: ManagedProcess) => boolean {
  const chosen = compileChoice(table, filter);
  const states = filter.states.length === 0 ? null : new Set(filter.states);
  const { labels, createdAfter, createdBefore, endedAfter, endedBefore, living } = filter;
  return (process) =>
    chosen(process) &&
    (states === null || states.has(process.state)) &&
    (living === null || living !== isOver(process)) &&
    labels.every((requirement) => holds(process.labels, requirement)) &&
    (createdAfter === null || process.createTime >= createdAfter) &&
    (createdBefore === null || process.createTime < createdBefore) &&
    ((endedAfter === null && endedBefore === null) || endedWithin(process, endedAfter, endedBefore));
}

/** Whether the filter selects every process, whatever becomes of it. */
export function isEmptyFilter(filter: ProcessFilter): boolean {
  const { labels, states, ids, idPrefixes, names, namePatterns } = filter;
  const { createdAfter, createdBefore, endedAfter, endedBefore, living } = filter;
  const lists = [labels, states, ids, idPrefixes, names, namePatterns];
  const others = [createdAfter, createdBefore, endedAfter, endedBefore, living];
  return lists.every((list) => list.length === 0) && others.every((criterion) => criterion === null);
}

/** The criteria of which one must fit. */
function compileChoice(table: Table, filter: ProcessFilter): (process: ManagedProcess) => boolean {
  const { idPrefixes, names } = filter;
  const ids = new Set(filter.ids);
  const patterns = filter.namePatterns.map(compileGlob);
  if (ids.size + idPrefixes.length + names.length + patterns.length === 0) return () => true;
  return (process) =>
    ids.has(process.id) ||
    idPrefixes.some((prefix) => process.id.startsWith(prefix)) ||
    names.some((name) => name === process.name && table.byName(name) === process) ||
    (process.name !== "" && patterns.some((fits) => fits(process.name)));
}

function isOver({ state, current }: ManagedProcess): boolean {
  return (state === "exited" || state === "failed" || state === "lost") && !current.treeAlive;
}

function endedWithin(process: ManagedProcess, after: bigint | null, before: bigint | null): boolean {
  const { current } = process;
  if (!current.ended) return false;
  const time = current.exitTime ?? current.end?.time ?? null;
  return time !== null && (after === null || time >= after) && (before === null || time < before);
}

function holds(labels: Readonly<Record<string, string>>, { key, op, value }: LabelRequirement): boolean {
  const has = Object.hasOwn(labels, key);
  switch (op) {
    case "equals":
      return has && labels[key] === value;
    case "notEquals":
      return !has || labels[key] !== value;
    case "exists":
      return has;
    case "notExists":
      return !has;
  }
}
