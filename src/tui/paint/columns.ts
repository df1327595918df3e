import type { ProcessInfo } from "../../sdk/types.ts";
import { type DashboardState, shownTime } from "../state/state.ts";
import { sinceTime } from "../state/table/process-age.ts";
import { commandLine } from "../state/table/process-filter.ts";
import { isOver, shownState } from "../state/table/process-outcome.ts";
import type { SortKey } from "../state/table/sort.ts";
import { plainText } from "../terminal/styled-line.ts";
import { formatBytes, formatDuration, formatMinutes, formatPercent } from "../text/format.ts";
import { STATE_GLYPHS } from "../text/state-glyphs.ts";

/** A column of the process table. */
export interface Column {
  readonly key: "name" | "id" | "state" | "run" | "pid" | "cpu" | "memory" | "since" | "exit" | "command";
  readonly title: string;
  readonly width: number;
  readonly right: boolean;
  /** What it is sorted by when the table is sorted by this column. */
  readonly sort: SortKey | null;
  /** The higher, the sooner it goes when the table is narrow; 0 stays. */
  readonly rank: number;
}

const COLUMNS: readonly Column[] = [
  { key: "name", title: "NAME", width: 18, right: false, sort: "name", rank: 0 },
  { key: "state", title: "STATE", width: 10, right: false, sort: "state", rank: 0 },
  { key: "id", title: "ID", width: 8, right: false, sort: null, rank: 8 },
  { key: "pid", title: "PID", width: 7, right: true, sort: "pid", rank: 5 },
  { key: "cpu", title: "CPU", width: 6, right: true, sort: "cpu", rank: 1 },
  { key: "memory", title: "MEM", width: 6, right: true, sort: "memory", rank: 2 },
  { key: "since", title: "SINCE", width: 6, right: true, sort: "since", rank: 3 },
  { key: "exit", title: "EXIT", width: 8, right: false, sort: "exit", rank: 4 },
  { key: "run", title: "RUN", width: 4, right: true, sort: null, rank: 9 },
  { key: "command", title: "COMMAND", width: 16, right: false, sort: "command", rank: 7 },
];

/** A mark and a blank before the first column. */
export const MARK_COLUMNS = 2;

/** The columns that fit, in order; the last of them, name or command, takes what is left. */
export function fittingColumns(width: number): readonly Column[] {
  const chosen = COLUMNS.slice();
  const total = (): number => chosen.reduce((sum, column) => sum + column.width + 1, MARK_COLUMNS - 1);
  while (total() > width && chosen.length > 2) {
    const worst = chosen.reduce((a, b) => (b.rank > a.rank ? b : a));
    if (worst.rank === 0) {
      break;
    }
    chosen.splice(chosen.indexOf(worst), 1);
  }
  let room = width - total();
  return chosen.map((column) => {
    let extra = 0;
    if (column.key === "name") {
      const hasCommand = chosen.some(({ key }) => key === "command");
      // Without a command column a nameless process shows its command under its name.
      extra = hasCommand ? Math.max(0, Math.min(14, Math.floor(room / 4))) : room;
      room -= extra;
    } else if (column.key === "command") {
      extra = room;
    }
    return extra === 0 ? column : { ...column, width: Math.max(1, column.width + extra) };
  });
}

function exitText(process: ProcessInfo): string {
  const { exit, failure } = process;
  if (failure && process.state === "failed") {
    return failure.errnoName || failure.step;
  }
  if (!exit) {
    return "";
  }
  return exit.code !== undefined ? String(exit.code) : exit.signalName.replace(/^SIG/, "");
}

/** What a cell says; safe to draw. */
export function cellText(column: Column, process: ProcessInfo, state: DashboardState): string {
  const usage = process.treeAlive ? state.table.usages.get(process.id) : undefined;
  switch (column.key) {
    case "name":
      return process.spec.name || plainText(commandLine(process));
    case "state":
      return `${STATE_GLYPHS[shownState(process)]} ${process.state}`;
    case "id":
      return process.id.slice(0, 8);
    case "run":
      return String(process.run);
    case "pid":
      return process.pid === undefined ? "" : String(process.pid);
    case "cpu":
      return usage?.cpuPercent === undefined ? "" : formatPercent(usage.cpuPercent);
    case "memory":
      return usage ? formatBytes(usage.residentBytes) : "";
    case "since": {
      const since = sinceTime(process);
      if (since === null) {
        return "";
      }
      // Once it has ended the seconds do not matter: what changes nothing is not drawn.
      const format = isOver(process) ? formatMinutes : formatDuration;
      return format(shownTime(state) - since);
    }
    case "exit":
      return exitText(process);
    case "command":
      return plainText(commandLine(process));
  }
}
