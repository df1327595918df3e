import type { LabelRequirement, ProcessFilter } from "../api/list.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "./process.ts";
import { resolveReference } from "./references.ts";
import type { Table } from "./table.ts";

/** Resolves a filter's references once; answers whether a process fits. */
export function compileFilter(table: Table, filter: ProcessFilter): (process: ManagedProcess) => boolean {
  const ids = filter.ids.length === 0 ? null : resolveAll(table, filter.ids);
  const states = filter.states.length === 0 ? null : new Set(filter.states);
  const { labels } = filter;
  return (process) =>
    (ids === null || ids.has(process.id)) &&
    (states === null || states.has(process.state)) &&
    labels.every((requirement) => holds(process.spec.labels, requirement));
}

/** A reference that fits nothing selects nothing. */
function resolveAll(table: Table, references: readonly string[]): Set<string> {
  const ids = new Set<string>();
  for (const reference of references) {
    try {
      ids.add(resolveReference(table, reference).id);
    } catch (error) {
      if (!(error instanceof EngineError) || error.reason !== "PROCESS_NOT_FOUND") throw error;
    }
  }
  return ids;
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
