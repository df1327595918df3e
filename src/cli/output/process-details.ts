/** The text of `pm status`. */

import { escapeBytes, escapeText } from "../../common/escape.ts";
import { formatBytes, formatDuration } from "../../common/quantities.ts";
import type { ExitStatus, ProcessInfo, ProcessUsage, ResourceLimit, RunInfo, Schedule } from "../../sdk/index.ts";
import type { Paint } from "./color.ts";
import { labelText, stateText, uptime, waitingText } from "./process-table.ts";
import { commandText, shellWords } from "./shell-words.ts";
import { supervisionRows } from "./supervision-details.ts";

export interface ProcessDetailsOptions {
  readonly paint: Paint;
  readonly environment: boolean;
  readonly now: Date;
  /** What it uses now. @default not known */
  readonly usage?: ProcessUsage | undefined;
  /** The schedule that starts it. @default not known */
  readonly schedule?: Schedule | undefined;
}

export function processDetails(info: ProcessInfo, options: ProcessDetailsOptions): string {
  const { paint, environment, now, usage, schedule } = options;
  const { spec, run } = info;
  const rows: (readonly [title: string, text: string])[] = [
    ["ID", info.id],
    ["Name", info.name === undefined ? "-" : escapeText(info.name)],
    ["State", stateLine(info, now)],
    ["Command", commandText(spec)],
    ["Directory", shellWords([run?.effective?.cwd ?? spec.cwd ?? ""])],
  ];
  rows.push(...supervisionRows(info, schedule, now));
  rows.push(...runRows(run, usage, now), ["Created", info.createTime.toISOString()]);
  rows.push(
    [
      "Input",
      spec.terminal === undefined
        ? spec.stdin === "null"
          ? "none"
          : spec.stdin
        : `terminal ${spec.terminal.columns}x${spec.terminal.rows}`,
    ],
    ["Stop", stopText(info)],
    ["Labels", labelText(info.labels)],
  );
  const limits = limitsText(info);
  if (limits !== "") {
    rows.push(["Limits", limits]);
  }
  const width = Math.max(...rows.map(([title]) => title.length));
  let text = rows.map(([title, value]) => `${paint("bold", title.padEnd(width))}  ${value}\n`).join("");
  if (environment) {
    const variables = [
      ...Object.entries(spec.env),
      ...spec.envBytes.map(({ name, value }) => [escapeBytes(name), escapeBytes(value)] as const),
    ].sort(([a], [b]) => (a < b ? -1 : 1));
    text += `${paint("bold", "Environment")} (${spec.envMode === "replace" ? "nothing else" : "over the daemon's"})\n`;
    text += variables.map(([key, value]) => `  ${escapeText(key)}=${escapeText(value)}\n`).join("");
  }
  return text;
}

/** What is known of a run. */
function runRows(run: RunInfo | undefined, usage: ProcessUsage | undefined, now: Date): (readonly [string, string])[] {
  if (run === undefined) {
    return [];
  }
  const rows: (readonly [string, string])[] = [];
  if (run.pid !== undefined) {
    rows.push(["PID", String(run.pid)]);
  }
  rows.push(["Run", String(run.number)]);
  if (run.startTime !== undefined) {
    rows.push(["Started", run.startTime.toISOString()]);
  }
  if (usage !== undefined) {
    rows.push(["Uses", currentUsage(usage, run.startTime, now)]);
  }
  if (run.exitTime !== undefined) {
    const ago = formatDuration(now.getTime() - run.exitTime.getTime());
    rows.push(["Ended", `${run.exitTime.toISOString()} (${ago} ago)`]);
  }
  if (run.exit !== undefined) {
    rows.push(["Exit", exitDetails(run.exit)], ["Used", usageText(run.exit)]);
  }
  if (run.failure !== undefined) {
    const { step, message, errnoName, path } = run.failure;
    const about = path === undefined ? step : `${step} ${path}`;
    rows.push(["Failure", escapeText(`${about}: ${message}${errnoName === undefined ? "" : ` (${errnoName})`}`)]);
  }
  const { output } = run;
  const kept = output.nextOffset - output.firstOffset;
  const streams = `${formatBytes(output.stdoutBytes)} stdout, ${formatBytes(output.stderrBytes)} stderr`;
  const state = `${output.complete ? ", complete" : ""}${output.held ? ", held" : ""}`;
  rows.push([
    "Output",
    `${formatBytes(output.nextOffset)} (${streams}), ${formatBytes(kept)} kept of at most ${formatBytes(output.limitBytes)}${state}`,
  ]);
  return rows;
}

/** What a stop would do: as it took effect, else as it was asked for. */
function stopText({ spec, run }: ProcessInfo): string {
  const signal = run?.effective?.stopSignal ?? spec.stop.signal ?? "SIGTERM";
  const graceMs = run?.effective?.stopGraceMs ?? spec.stop.graceMs;
  return graceMs === undefined ? signal : `${signal}, then ${formatDuration(graceMs)}`;
}

function stateLine(info: ProcessInfo, now: Date): string {
  const { run, supervision } = info;
  if (info.state === "waiting") {
    const detail = supervision?.waiting?.detail ?? "";
    return `${waitingText(info, now)}${detail === "" ? "" : `: ${escapeText(detail)}`}`;
  }
  const word = run?.exitTime === undefined ? "for" : "after";
  const lasted = run?.startTime === undefined ? "" : ` ${word} ${uptime(run, now)}`;
  const children = run?.treeAlive && run.pid === undefined ? "; its children are still running" : "";
  return `${stateText(info.state)}${lasted}${run?.suspended ? ", suspended" : ""}${children}`;
}

function exitDetails(exit: ExitStatus): string {
  const how = exit.code === undefined ? `${exit.signalName} (signal ${exit.signal})` : `code ${exit.code}`;
  return `${how}${exit.coreDumped ? ", core dumped" : ""}${exit.oomKilled ? ", out of memory" : ""}`;
}

function usageText({ usage }: ExitStatus): string {
  const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)}s`;
  return `${seconds(usage.userMs)} user, ${seconds(usage.systemMs)} system, at most ${formatBytes(usage.maxResidentBytes)} resident`;
}

function currentUsage(
  { cpuMs, residentBytes, descendants, io }: ProcessUsage,
  startTime: Date | undefined,
  now: Date,
): string {
  // Of the whole run: a percentage of this moment would take a second sample, and the time until it.
  const ranMs = startTime === undefined ? 0 : now.getTime() - startTime.getTime();
  const average = ranMs > 0 ? ` (on average ${((cpuMs / ranMs) * 100).toFixed(1)}%)` : "";
  const traffic =
    io === undefined ? "" : `, ${formatBytes(io.readBytes)} read, ${formatBytes(io.writtenBytes)} written`;
  const tree = descendants === 0 ? "" : `, ${descendants} ${descendants === 1 ? "descendant" : "descendants"}`;
  return `${(cpuMs / 1000).toFixed(2)}s of processor time${average}, ${formatBytes(residentBytes)} resident${tree}${traffic}`;
}

function limitsText({ spec: { limits } }: ProcessInfo): string {
  const bound = (value: bigint | undefined): string => (value === undefined ? "unlimited" : String(value));
  const rlimit = ({ resource, soft, hard }: ResourceLimit): string => `${resource}=${bound(soft)}:${bound(hard)}`;
  return [
    ...(limits.rlimits ?? []).map(rlimit),
    ...(limits.memoryBytes === undefined ? [] : [`memory=${formatBytes(limits.memoryBytes)}`]),
    ...(limits.cpuMillis === undefined ? [] : [`cpus=${limits.cpuMillis / 1000}`]),
    ...(limits.processes === undefined ? [] : [`pids=${limits.processes}`]),
  ].join(", ");
}
