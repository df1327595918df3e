/** The text of `pm status`. */
import type { ExitStatus, ProcessInfo, ProcessUsage, ResourceLimit } from "../../sdk/index.ts";
import type { Paint } from "./color.ts";
import { labelText, uptime } from "./process-table.ts";
import { sanitize } from "./sanitize.ts";
import { shellWords } from "./shell-words.ts";
import { formatBytes, formatDuration } from "./units.ts";

export interface ProcessDetailsOptions {
  readonly paint: Paint;
  readonly environment: boolean;
  readonly now: Date;
  /** What it uses now. @default not known */
  readonly usage?: ProcessUsage | undefined;
}

export function processDetails(info: ProcessInfo, { paint, environment, now, usage }: ProcessDetailsOptions): string {
  const { spec, output } = info;
  const rows: (readonly [title: string, text: string])[] = [
    ["Id", info.id],
    ["Name", spec.name === "" ? "-" : sanitize(spec.name)],
    ["State", stateText(info, now)],
    ["Command", shellWords([spec.executable, ...spec.args])],
    ["Directory", shellWords([spec.cwd])],
  ];
  if (info.pid !== undefined) {
    rows.push(["PID", String(info.pid)]);
  }
  rows.push(["Run", String(info.run)], ["Created", info.createTime.toISOString()]);
  if (info.startTime !== undefined) {
    rows.push(["Started", info.startTime.toISOString()]);
  }
  if (usage !== undefined) {
    rows.push(["Uses", currentUsage(usage, info.startTime, now)]);
  }
  if (info.exitTime !== undefined) {
    rows.push([
      "Ended",
      `${info.exitTime.toISOString()} (${formatDuration(now.getTime() - info.exitTime.getTime())} ago)`,
    ]);
  }
  if (info.exit !== undefined) {
    rows.push(["Exit", exitDetails(info.exit)], ["Used", usageText(info.exit)]);
  }
  if (info.failure !== undefined) {
    const { step, message, errnoName, path } = info.failure;
    rows.push(["Failure", sanitize(`${step}${path && ` ${path}`}: ${message}${errnoName && ` (${errnoName})`}`)]);
  }
  const kept = output.nextOffset - output.firstOffset;
  rows.push(
    [
      "Output",
      `${formatBytes(output.nextOffset)} (${formatBytes(output.stdoutBytes)} stdout, ${formatBytes(output.stderrBytes)} stderr), ` +
        `${formatBytes(kept)} kept of at most ${formatBytes(output.limitBytes)}${output.complete ? ", complete" : ""}`,
    ],
    ["Input", spec.terminal === undefined ? spec.stdin : `terminal ${spec.terminal.columns}x${spec.terminal.rows}`],
    ["Stop", `${spec.stop.signal}, then ${formatDuration(spec.stop.graceMs)}`],
    ["Labels", labelText(spec.labels)],
  );
  const limits = limitsText(info);
  if (limits !== "") {
    rows.push(["Limits", limits]);
  }
  const width = Math.max(...rows.map(([title]) => title.length));
  let text = rows.map(([title, value]) => `${paint("bold", title.padEnd(width))}  ${value}\n`).join("");
  if (environment) {
    const variables = Object.entries(spec.env).sort(([a], [b]) => (a < b ? -1 : 1));
    text += `${paint("bold", "Environment")} (${spec.envMode === "replace" ? "nothing else" : "over the daemon's"})\n`;
    text += variables.map(([key, value]) => `  ${sanitize(key)}=${sanitize(value)}\n`).join("");
  }
  return text;
}

function stateText(info: ProcessInfo, now: Date): string {
  const lasted =
    info.startTime === undefined
      ? ""
      : info.exitTime === undefined
        ? ` for ${uptime(info, now)}`
        : ` after ${uptime(info, now)}`;
  const children = info.treeAlive && info.pid === undefined ? "; children of it live on" : "";
  return `${info.state}${lasted}${children}`;
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
