import type { ProcessInfo } from "../../../sdk/types.ts";
import { type TableState, targets } from "./table.ts";

/** What people call a process: its name, else the beginning of its id. */
export function processLabel(process: ProcessInfo): string {
  return process.name ?? process.id.slice(0, 8);
}

/** The process that the table's cursor is on. None, where the table shows none. */
export function selectedProcess(table: TableState): ProcessInfo | undefined {
  return table.selected === null || table.order.length === 0 ? undefined : table.processes.get(table.selected);
}

/** What an action is about: the marked processes, those that the filter hides included, else the selected one. */
export function chosenProcesses(table: TableState): readonly ProcessInfo[] {
  return table.marks.size > 0 || selectedProcess(table) ? targets(table) : [];
}
