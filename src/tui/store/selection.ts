import type { ProcessInfo } from "../../sdk/types.ts";
import type { DashboardState } from "./state.ts";

/** What people call a process: its name, else the beginning of its id. */
export function processLabel(process: ProcessInfo): string {
  return process.spec.name || process.id.slice(0, 8);
}

/** The process that the table's cursor is on. */
export function selectedProcess(state: DashboardState): ProcessInfo | undefined {
  return state.table.selected === null ? undefined : state.table.processes.get(state.table.selected);
}
