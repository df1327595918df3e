import type { ProcessInfo } from "../../sdk/types.ts";
import type { DashboardState } from "./state.ts";
import { targets } from "./table/table.ts";

/** What people call a process: its name, else the beginning of its id. */
export function processLabel(process: ProcessInfo): string {
  return process.spec.name || process.id.slice(0, 8);
}

/** The process that the table's cursor is on. None, where the table shows none. */
export function selectedProcess({ table }: DashboardState): ProcessInfo | undefined {
  return table.selected === null || table.order.length === 0 ? undefined : table.processes.get(table.selected);
}

/** What an action is about: the marked processes, those that the filter hides included, else the selected one. */
export function chosenProcesses(state: DashboardState): readonly ProcessInfo[] {
  return state.table.marks.size > 0 || selectedProcess(state) ? targets(state.table) : [];
}

/** Why nothing can be done: there is nothing to do it to. */
export function nothingSelected({ table, connection }: DashboardState): string {
  if (table.processes.size > 0) {
    return "No process is selected: Esc clears the filter";
  }
  return connection.phase === "connected" && table.loaded
    ? "There is no process yet: s starts one"
    : "No process is selected";
}
