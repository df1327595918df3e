/** The table of `pm ls`. */

import { escapeText } from "../../common/escape.ts";
import { formatBytes, formatDuration } from "../../common/quantities.ts";
import type { ProcessInfo, ProcessState, ProcessSummary, ProcessUsage, RunSummary } from "../../sdk/index.ts";
import type { Paint, Style } from "./color.ts";
import { commandText, shellWords } from "./shell-words.ts";
import { type Cell, renderTable } from "./table.ts";

export interface ProcessTableOptions {
  readonly paint: Paint;
  /** Columns of the terminal; undefined where nothing must be cut. */
  readonly width: number | undefined;
  readonly now: Date;
}

export interface WideTableOptions extends ProcessTableOptions {
  /** What is used, by id. */
  readonly usages?: ReadonlyMap<string, ProcessUsage>;
}

const stateStyles: Readonly<Record<ProcessState, Style>> = {
  starting: "cyan",
  running: "green",
  stopping: "yellow",
  exited: "dim",
  failed: "red",
  lost: "magenta",
  waiting: "cyan",
  givenUp: "red",
};

/** The fewest characters of an id that a table shows; more where ids would look the same. */
const shortIdLength = 8;

export function processTable(processes: readonly ProcessSummary[], options: ProcessTableOptions): string {
  // A list that is cut to a terminal is for eyes, one that is not may be for programs.
  const idLength = options.width === undefined ? undefined : uniquePrefixLength(processes.map(({ id }) => id));
  return table(processes, [...narrowColumns, commandColumn], idLength, options);
}

export function wideProcessTable(processes: readonly ProcessInfo[], options: WideTableOptions): string {
  return table(processes, [...narrowColumns, ...wideColumns, commandColumn], undefined, options);
}

function table<Info extends ProcessSummary>(
  processes: readonly Info[],
  columns: readonly Column<Info>[],
  idLength: number | undefined,
  { paint, width, now, usages }: WideTableOptions,
): string {
  return renderTable(
    columns.map(({ title }) => title),
    processes.map((info) => columns.map(({ cell }) => cell(info, { now, idLength, usage: usages?.get(info.id) }))),
    { paint, alignRight: new Set(["PID", "CPU", "MEMORY"]), ...(width === undefined ? {} : { width }) },
  );
}

interface CellContext {
  readonly now: Date;
  readonly idLength: number | undefined;
  readonly usage: ProcessUsage | undefined;
}

interface Column<Info> {
  readonly title: string;
  readonly cell: (info: Info, context: CellContext) => Cell;
}

const narrowColumns: readonly Column<ProcessSummary>[] = [
  { title: "NAME", cell: ({ name }) => ({ text: name === undefined ? "-" : escapeText(name) }) },
  { title: "ID", cell: ({ id }, { idLength }) => ({ text: id.slice(0, idLength) }) },
  { title: "STATE", cell: stateCell },
  { title: "PID", cell: ({ run }) => ({ text: run?.pid === undefined ? "-" : String(run.pid) }) },
  { title: "UPTIME", cell: (info, { now }) => ({ text: uptime(info.run, now) }) },
  { title: "EXIT", cell: ({ run }) => exitCell(run) },
];

const wideColumns: readonly Column<ProcessInfo>[] = [
  {
    title: "CPU",
    cell: (_info, { usage }) => ({ text: usage?.cpuPercent === undefined ? "-" : `${usage.cpuPercent.toFixed(1)}%` }),
  },
  {
    title: "MEMORY",
    cell: (_info, { usage }) => ({ text: usage === undefined ? "-" : formatBytes(usage.residentBytes) }),
  },
  { title: "CHILDREN", cell: (_info, { usage }) => ({ text: usage === undefined ? "-" : String(usage.descendants) }) },
  { title: "RUN", cell: ({ run }) => ({ text: run === undefined ? "-" : String(run.number) }) },
  { title: "STARTED", cell: ({ run }) => ({ text: run?.startTime?.toISOString() ?? "-" }) },
  { title: "OUTPUT", cell: ({ run }) => ({ text: formatBytes(run?.output.nextOffset ?? 0) }) },
  { title: "LABELS", cell: ({ labels }) => ({ text: labelText(labels) }) },
  { title: "DIRECTORY", cell: ({ spec, run }) => ({ text: shellWords([run?.effective?.cwd ?? spec.cwd ?? ""]) }) },
];

const commandColumn: Column<ProcessSummary> = {
  title: "COMMAND",
  cell: ({ spec }) => ({ text: commandText(spec) }),
};

function stateCell(info: ProcessSummary, { now }: Pick<CellContext, "now">): Cell {
  const { state, run } = info;
  if (state === "waiting") {
    return { text: waitingText(info, now), style: stateStyles.waiting };
  }
  const failed = state === "exited" && run?.exit?.code !== 0;
  // The tree outlived its main process: it is not over yet.
  const orphaned = run?.treeAlive && (state === "exited" || state === "lost");
  if (state === "running" && !run?.suspended) {
    const unwell = unwellText(info);
    return unwell === undefined ? { text: state, style: stateStyles.running } : { text: unwell, style: "yellow" };
  }
  return {
    text: orphaned ? `${state}+children` : run?.suspended && state === "running" ? "suspended" : stateText(state),
    style: orphaned ? "yellow" : failed ? "red" : stateStyles[state],
  };
}

/** "waiting 4s (3/5)", "waiting for db", "waiting 5h02m", "queued #2". */
export function waitingText({ supervision }: ProcessSummary, now: Date): string {
  const { waiting, attempt = 0, maxAttempts = 0, queuePosition = 0 } = supervision ?? {};
  const left = waiting?.until === undefined ? "" : ` ${timeLeft(waiting.until, now)}`;
  const names = (waiting?.for ?? []).map(escapeText).join(", ");
  switch (waiting?.reason) {
    case "restart":
      return `waiting${left} (${attempt}${maxAttempts === 0 ? "" : `/${maxAttempts}`})`;
    case "dependency":
      return names === "" ? "waiting" : `waiting for ${names}`;
    case "queue":
      return `queued${queuePosition === 0 ? "" : ` #${queuePosition}`}`;
    default:
      return `waiting${left}`;
  }
}

/** Never "0s" for what is not over yet. */
export function timeLeft(until: Date, now: Date): string {
  return formatDuration(Math.ceil((until.getTime() - now.getTime()) / 1000) * 1000);
}

/** What a process that runs lacks; undefined: nothing, or nobody asks. */
function unwellText({ supervision }: ProcessSummary): string | undefined {
  if (supervision?.health === "unhealthy") {
    return "unhealthy";
  }
  return supervision?.readiness === "notReady" ? "not ready" : undefined;
}

/** The words of the commands: those of the contract, without humps. */
export function stateText(state: ProcessState): string {
  return state === "givenUp" ? "given up" : state;
}

function exitCell(run: RunSummary | undefined): Cell {
  const text = exitText(run);
  return text === undefined ? { text: "-" } : { text, ...(text === "0" ? {} : { style: "red" as const }) };
}

/** "7", "SIGKILL", "ENOENT"; undefined while there is nothing to say. */
export function exitText(run: RunSummary | undefined): string | undefined {
  const { exit, failure, state } = run ?? {};
  if (exit !== undefined) {
    return exit.code === undefined ? exit.signalName : String(exit.code);
  }
  if (failure !== undefined) {
    return failure.errnoName ?? failure.step;
  }
  return state === "lost" ? "unknown" : undefined;
}

export function labelText(labels: Readonly<Record<string, string>>): string {
  const text = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  return text === "" ? "-" : escapeText(text);
}

/** How long a run has lasted, or lasted. */
export function uptime({ startTime, exitTime }: Pick<RunSummary, "startTime" | "exitTime"> = {}, now: Date): string {
  return startTime === undefined ? "-" : formatDuration((exitTime ?? now).getTime() - startTime.getTime());
}

function uniquePrefixLength(ids: readonly string[]): number {
  const sorted = [...ids].sort();
  let length = shortIdLength;
  for (let i = 1; i < sorted.length; i++) {
    const [a = "", b = ""] = [sorted[i - 1], sorted[i]];
    while (length < a.length && a.slice(0, length) === b.slice(0, length)) {
      length++;
    }
  }
  return length;
}
