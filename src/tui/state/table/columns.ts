import type { ProcessInfo } from "../../../sdk/types.ts";
import { parseLine, plainText } from "../../terminal/styled-line.ts";
import { textWidth } from "../../terminal/wrap.ts";
import { formatBytes, formatDuration, formatMinutes, formatPercent } from "../../text/format.ts";
import { STATE_GLYPHS } from "../../text/state-glyphs.ts";
import { sinceTime } from "./process-age.ts";
import type { ProcessCounts } from "./process-counts.ts";
import { commandLine } from "./process-filter.ts";
import { isOver, shownState, stateText } from "./process-outcome.ts";
import type { SortKey } from "./sort.ts";
import { SUPERVISION_FACT_KEYS } from "./supervision-facts.ts";
import { healthText, nextText, queueText, restartsText, statusText } from "./supervision-text.ts";
import { cpuTrendText, type Trend } from "./trend.ts";
import type { Usage } from "./usage.ts";

/** What a cell may depend on, besides the process. */
export interface CellContext {
  /** What it uses, while it lives. */
  readonly usage: Usage | undefined;
  readonly trend: Trend | undefined;
  /** The moment that the screen shows. Milliseconds since the epoch. */
  readonly now: number;
  /** Whether there is a column for how it ended. */
  readonly exitShown: boolean;
}

/** A column of the process table: all that there is to know of it. */
interface ColumnSpec {
  readonly title: string;
  readonly width: number;
  readonly right: boolean;
  /** What it is sorted by when the table is sorted by this column. */
  readonly sort: SortKey | null;
  /** The higher, the sooner it goes when the table is narrow; 0 stays. */
  readonly rank: number;
  /** How its cells look: as the state, as the exit, as the health, or as what matters less. */
  readonly look: "plain" | "faint" | "state" | "exit" | "health";
  /** What a cell says; safe to draw. */
  readonly text: (process: ProcessInfo, context: CellContext, width: number) => string;
}

/** The columns, in order. The name takes what is left, or the command where it is shown. */
const REGISTRY = {
  name: {
    title: "NAME",
    width: 18,
    right: false,
    sort: "name",
    rank: 0,
    look: "plain",
    text: (process) => process.name ?? plainText(commandLine(process)),
  },
  state: {
    title: "STATE",
    width: 11,
    right: false,
    sort: "state",
    rank: 0,
    look: "state",
    text: (process) => `${STATE_GLYPHS[shownState(process)]} ${stateText(process)}`,
  },
  status: {
    title: "STATUS",
    width: 16,
    right: false,
    sort: null,
    rank: 3,
    look: "plain",
    text: (process, { now, exitShown }, width) =>
      shortened(statusText(process, now) || (exitShown ? "" : endText(process)), width),
  },
  project: {
    title: "PROJECT",
    width: 10,
    right: false,
    sort: "project",
    rank: 7,
    look: "faint",
    text: ({ supervision }, _context, width) => shortened(plainText(supervision?.project ?? ""), width),
  },
  restarts: {
    title: "RESTARTS",
    width: 9,
    right: true,
    sort: "restarts",
    rank: 14,
    look: "plain",
    text: ({ supervision }) => (supervision && supervision.restarts > 0 ? restartsText(supervision) : ""),
  },
  health: {
    title: "HEALTH",
    width: 9,
    right: false,
    sort: "health",
    rank: 15,
    look: "health",
    text: ({ supervision }) => (supervision ? healthText(supervision) : ""),
  },
  next: {
    title: "NEXT",
    width: 10,
    right: true,
    sort: "next",
    rank: 16,
    look: "plain",
    text: (process, { now }) => nextText(process, now),
  },
  schedule: {
    title: "SCHEDULE",
    width: 10,
    right: false,
    sort: "schedule",
    rank: 12,
    look: "faint",
    text: ({ supervision }, _context, width) => shortened(plainText(supervision?.schedule ?? ""), width),
  },
  queue: {
    title: "QUEUE",
    width: 10,
    right: false,
    sort: "queue",
    rank: 13,
    look: "faint",
    text: ({ spec, supervision }, _context, width) => shortened(queueText(spec.queue, supervision), width),
  },
  id: {
    title: "ID",
    width: 8,
    right: false,
    sort: null,
    rank: 9,
    look: "faint",
    text: ({ id }) => id.slice(0, 8),
  },
  pid: {
    title: "PID",
    width: 7,
    right: true,
    sort: "pid",
    rank: 6,
    look: "plain",
    text: ({ run }) => String(run?.pid ?? ""),
  },
  cpu: {
    title: "CPU",
    width: 6,
    right: true,
    sort: "cpu",
    rank: 1,
    look: "plain",
    text: (_process, { usage }) => (usage?.cpuPercent === undefined ? "" : formatPercent(usage.cpuPercent)),
  },
  trend: {
    title: "CPU TREND",
    width: 9,
    right: false,
    sort: null,
    rank: 11,
    look: "faint",
    text: (_process, { trend }, width) => (trend ? cpuTrendText(trend, width) : ""),
  },
  memory: {
    title: "MEM",
    width: 6,
    right: true,
    sort: "memory",
    rank: 2,
    look: "plain",
    text: (_process, { usage }) => (usage ? formatBytes(usage.residentBytes) : ""),
  },
  since: {
    title: "SINCE",
    width: 6,
    right: true,
    sort: "since",
    rank: 4,
    look: "plain",
    text: (process, { now }) => {
      const since = sinceTime(process);
      // Once it has ended the seconds do not matter: what changes nothing is not drawn.
      return since === null ? "" : (isOver(process) ? formatMinutes : formatDuration)(now - since);
    },
  },
  exit: {
    title: "EXIT",
    width: 8,
    right: false,
    sort: "exit",
    rank: 5,
    look: "exit",
    text: exitText,
  },
  run: {
    title: "RUN",
    width: 4,
    right: true,
    sort: "run",
    rank: 10,
    look: "plain",
    text: ({ run }) => String(run?.number ?? ""),
  },
  command: {
    title: "COMMAND",
    width: 18,
    right: false,
    sort: "command",
    rank: 8,
    look: "faint",
    text: (process) => plainText(commandLine(process)),
  },
} as const satisfies Record<string, ColumnSpec>;

export type ColumnKey = keyof typeof REGISTRY;

export const COLUMN_KEYS = Object.keys(REGISTRY) as readonly ColumnKey[];

/** A column in its place. */
export interface Column extends ColumnSpec {
  readonly key: ColumnKey;
  /** Cells from the left edge of the table. */
  readonly x: number;
}

/** From this rank on a column repeats a part of what the status says: the command comes first, with so many cells more. */
const SPARE_RANK = 12;
const COMMAND_ROOM = 24;

/** A mark and a blank before the first column. */
const MARK_COLUMNS = 2;

/** Whether a column can be left out: one without which nobody knows what a row is about cannot. */
export function isOptional(key: ColumnKey): boolean {
  return REGISTRY[key].rank > 0;
}

/** What a column is called where it is chosen: "cpu trend". */
export function columnName(key: ColumnKey): string {
  return REGISTRY[key].title.toLowerCase();
}

/** Blanks before a column: what ends at the right must not touch what begins at the left. */
function gapBefore(column: ColumnSpec, before: ColumnSpec | undefined): number {
  return before === undefined ? MARK_COLUMNS : before.right && !column.right ? 2 : 1;
}

function totalWidth(keys: readonly ColumnKey[]): number {
  return keys.reduce((sum, key, i) => {
    const before = keys[i - 1];
    return sum + gapBefore(REGISTRY[key], before && REGISTRY[before]) + REGISTRY[key].width;
  }, 0);
}

/**
 * The columns that fit, in order, without those that are not wanted; name or
 * command takes what is left. The column that the table is sorted by goes last:
 * without it nobody would see why the rows stand as they do.
 */
export function fittingColumns(
  width: number,
  hidden: readonly ColumnKey[],
  sortKey: SortKey = "name",
): readonly Column[] {
  const keys = COLUMN_KEYS.filter((key) => !isOptional(key) || !hidden.includes(key));
  const rankOf = (key: ColumnKey): number => Math.min(REGISTRY[key].rank, REGISTRY[key].sort === sortKey ? 0.5 : 99);
  for (;;) {
    const worst = keys.reduce((a, b) => (rankOf(b) > rankOf(a) ? b : a));
    const needed = totalWidth(keys) + (rankOf(worst) >= SPARE_RANK && keys.includes("command") ? COMMAND_ROOM : 0);
    if (needed <= width) {
      break;
    }
    if (rankOf(worst) === 0) {
      break;
    }
    keys.splice(keys.indexOf(worst), 1);
  }
  let room = width - totalWidth(keys);
  const columns: Column[] = [];
  let x = 0;
  for (const key of keys) {
    const spec: ColumnSpec = REGISTRY[key];
    let extra = 0;
    if (key === "name") {
      // Without a command column a nameless process shows its command under its name.
      extra = keys.includes("command") ? Math.max(0, Math.min(14, Math.floor(room / 4))) : room;
      room -= extra;
    } else if (key === "command") {
      extra = room;
    }
    const before = columns.at(-1);
    x += gapBefore(spec, before);
    columns.push({ ...spec, key, x, width: Math.max(1, spec.width + extra) });
    x += Math.max(1, spec.width + extra);
  }
  return columns;
}

/** The columns that are not to be shown: those that are not wanted, and those in which no process has anything. */
export function columnsLeftOut(hidden: readonly ColumnKey[], counts: ProcessCounts): readonly ColumnKey[] {
  return [...hidden, ...SUPERVISION_FACT_KEYS.filter((fact) => counts.facts[fact] === 0)];
}

/** What is cut says so. */
function shortened(text: string, width: number): string {
  return textWidth(text) <= width ? text : `${parseLine(text, width - 1).text.join("")}…`;
}

/** How it ended, where no column says so: "code 28", "SIGKILL". */
function endText(process: ProcessInfo): string {
  const text = isOver(process) ? exitText(process) : "";
  return text === "" || process.state === "failed"
    ? text
    : process.run?.exit?.code === undefined
      ? `SIG${text}`
      : `code ${text}`;
}

function exitText({ run, state }: ProcessInfo): string {
  const { exit, failure } = run ?? {};
  if (failure && state === "failed") {
    return failure.errnoName ?? failure.step;
  }
  if (!exit) {
    return "";
  }
  return String(exit.code ?? exit.signalName?.replace(/^SIG/, "") ?? "");
}
