import { escapeBytes } from "../../../common/escape.ts";
import type { ProcessInfo, StopReceipt, Survivor, TreeMember } from "../../../sdk/types.ts";
import { wrapText } from "../../terminal/wrap.ts";
import { formatBytes, formatChosen, formatDate, formatDuration, formatPercent, formatTime } from "../../text/format.ts";
import { naturalKey } from "../../text/natural-key.ts";
import { STATE_GLYPHS, stateWord } from "../../text/state-glyphs.ts";
import type { LogState } from "../log/log.ts";
import { causeText } from "../table/cause-text.ts";
import { wordText } from "../table/process-filter.ts";
import { shownState, stateText } from "../table/process-outcome.ts";
import type { StateChange } from "../table/state-changes.ts";
import type { TableState } from "../table/table.ts";
import { cpuTrendText, memoryTrendText, type Trends } from "../table/trend.ts";
import { BLANK_LINE, labelColumn, labeledLines, type PageLine, wholeLine } from "./labeled-view.ts";
import type { DetailsPage } from "./overlay.ts";
import { policyDetails, supervisionDetails } from "./supervision-view.ts";

/** Where the page has what it tells. */
export interface DetailsSource {
  readonly table: TableState;
  readonly log: LogState;
  readonly changes: readonly StateChange[];
  readonly trends: Trends;
  /** The moment that the screen shows. Milliseconds since the epoch. */
  readonly now: number;
}

/** What is known under a name; a heading has no value. */
interface Detail {
  readonly look: "heading" | "plain" | "warning";
  readonly label: string;
  readonly value: string;
}

/** Cells of the column of names at most; of a narrow screen it takes no more than its share. */
const LABEL_MOST = 48;
const LABEL_SHARE = 0.5;
const TREND_CELLS = 24;

function exitText(process: ProcessInfo): string {
  const { exit, failure } = process.run ?? {};
  if (failure) {
    return `${failure.message}${failure.errnoName ? ` (${failure.errnoName})` : ""} in step ${failure.step}${failure.path ? `: ${failure.path}` : ""}`;
  }
  if (!exit) {
    return "";
  }
  const how =
    exit.code !== undefined ? `code ${exit.code}` : `${exit.signalName}${exit.coreDumped ? ", core dumped" : ""}`;
  return `${how}${exit.oomKilled ? ", out of memory" : ""} · cpu ${formatSeconds(exit.usage.userMs + exit.usage.systemMs)} · at most ${formatBytes(exit.usage.maxResidentBytes)}`;
}

/** The tree with each member under its parent. */
function treeDetails(members: readonly TreeMember[]): Detail[] {
  const children = new Map<number, TreeMember[]>();
  const pids = new Set(members.map(({ pid }) => pid));
  for (const member of members) {
    const { parentPid = 0 } = member;
    const parent = pids.has(parentPid) ? parentPid : 0;
    children.set(parent, [...(children.get(parent) ?? []), member]);
  }
  const details: Detail[] = [];
  const seen = new Set<number>();
  const visit = (parent: number, indent: string): void => {
    const list = children.get(parent) ?? [];
    for (const [i, member] of list.entries()) {
      if (seen.has(member.pid)) {
        continue;
      }
      seen.add(member.pid);
      const last = i === list.length - 1;
      const branch = indent === "" && parent === 0 ? "" : last ? "└ " : "├ ";
      details.push({
        look: "plain",
        label: String(member.pid),
        value: `${indent}${branch}${member.command}  ${member.state} · ${formatBytes(member.residentBytes)}`,
      });
      visit(member.pid, parent === 0 ? " " : `${indent}${last ? "  " : "│ "}`);
    }
  };
  visit(0, "");
  return details;
}

/** A stop: who asked for it, what was done, what came of it. */
function stopDetails({ cause, requestTime, signal, signalTime, killTime, ...stop }: StopReceipt): Detail[] {
  const after = (time: Date | undefined): string =>
    time && requestTime ? ` after ${formatSeconds(time.getTime() - requestTime.getTime())}` : "";
  const outcomes: Record<StopReceipt["outcome"], string> = {
    pending: "under way",
    stopped: `the whole tree ended${after(stop.endTime)}`,
    survived: `part of the tree is still running${after(stop.endTime)}`,
    alreadyStopped: "nothing was running",
  };
  const rows: readonly (readonly [label: string, value: string])[] = [
    ["When", [requestTime ? formatDate(requestTime) : "", causeText(cause)].filter(Boolean).join(" · ")],
    [
      "Signal",
      `${signal}, ${formatChosen(stop.graceMs)} grace period${stop.force ? ", then SIGKILL" : ""}${signalTime ? "" : ", not sent"}`,
    ],
    ["Killed", killTime ? `SIGKILL${after(killTime)}` : ""],
    ["Outcome", outcomes[stop.outcome]],
  ];
  return [
    ...rows.flatMap(([label, value]): Detail[] => (value === "" ? [] : [{ look: "plain", label, value }])),
    ...survivorDetails(stop.survivors),
  ];
}

function survivorDetails(survivors: readonly Survivor[]): Detail[] {
  return survivors.map(({ pid, command, state }) => ({
    look: "plain",
    label: String(pid),
    value: `${command}  ${state}`,
  }));
}

/** "0.4s": what may take no more than a moment. */
function formatSeconds(milliseconds: number): string {
  return milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(1)}s` : formatDuration(milliseconds);
}

/** The process, with its environment as soon as that has been read; undefined: nothing is known of it any more. */
export function detailsProcess(state: DetailsSource, overlay: DetailsPage): ProcessInfo | undefined {
  const process = state.table.processes.get(overlay.id) ?? overlay.full ?? undefined;
  if (!process || !overlay.full) {
    return process;
  }
  const { env, envBytes } = overlay.full.spec;
  return { ...process, spec: { ...process.spec, env, envBytes } };
}

/** Everything about one process: names and values, in order. */
function details(state: DetailsSource, overlay: DetailsPage): readonly Detail[] {
  const process = detailsProcess(state, overlay);
  const list: Detail[] = [];
  const heading = (text: string): void => {
    list.push({ look: "plain", label: "", value: "" }, { look: "heading", label: text, value: "" });
  };
  const detail = (label: string, value: string): void => {
    if (value !== "") {
      list.push({ look: "plain", label, value });
    }
  };
  const present = state.table.processes.has(overlay.id);
  if (!present) {
    const removed = state.changes.findLast((change) => change.id === overlay.id && change.state === "removed");
    const why = causeText(removed?.cause);
    list.push({ look: "warning", label: "", value: `It was removed${why === "" ? "" : `: ${why}`}` });
  }
  if (!process) {
    return list;
  }
  const { spec, run } = process;
  const started = run?.startTime;
  const usage = present && run?.treeAlive ? overlay.usage : null;
  detail("ID", process.id);
  detail("Name", process.name ?? "");
  detail(
    "State",
    `${STATE_GLYPHS[shownState(process)]} ${stateText(process)}${run?.treeAlive && !run.pid ? ", children still running" : ""}`,
  );
  detail("Run", run ? [run.number, causeText(run.cause)].filter(Boolean).join(" · ") : "");
  for (const [label, value] of supervisionDetails(process, overlay.schedule, overlay.queue, state.now)) {
    detail(label, value);
  }
  detail("PID", String(run?.pid ?? ""));
  detail("Exit", exitText(process));
  if (usage) {
    // The first sample of a watch with details has nothing to compare with.
    const cpu = usage.cpuPercent ?? state.table.usages.get(process.id)?.cpuPercent;
    detail(
      "Usage",
      `cpu ${cpu === undefined ? "–" : formatPercent(cpu)}, ${formatSeconds(usage.cpuMs)} in all · mem ${formatBytes(usage.residentBytes)}` +
        (usage.io ? ` · read ${formatBytes(usage.io.readBytes)} · written ${formatBytes(usage.io.writtenBytes)}` : ""),
    );
  }
  const trend = state.trends.get(process.id);
  if (trend) {
    detail("Ten minutes", `cpu ${cpuTrendText(trend, TREND_CELLS)} · mem ${memoryTrendText(trend, TREND_CELLS)}`);
  }
  heading("Spec");
  detail("Executable", wordText(spec.executable));
  for (const [i, argument] of spec.args.entries()) {
    detail(i === 0 ? "Arguments" : "", argument === "" ? '""' : wordText(argument));
  }
  detail("Directory", spec.cwd === undefined ? (run?.effective?.cwd ?? "") : wordText(spec.cwd));
  detail(
    "Input",
    spec.terminal ? `terminal ${spec.terminal.columns}x${spec.terminal.rows}` : spec.stdin === "pipe" ? "pipe" : "none",
  );
  const graceMs = spec.stop.graceMs ?? run?.effective?.stopGraceMs;
  detail(
    "Stop",
    `${spec.stop.signal ?? run?.effective?.stopSignal ?? "SIGTERM"}${graceMs === undefined ? "" : `, ${formatChosen(graceMs)} grace period`}`,
  );
  for (const [label, value] of policyDetails(spec)) {
    detail(label, value);
  }
  for (const [i, [key, value]] of Object.entries(process.labels).entries()) {
    detail(i === 0 ? "Labels" : "", `${key}=${value}`);
  }
  for (const limit of spec.limits.rlimits ?? []) {
    detail("Limit", `${limit.resource} ${limit.soft ?? "unlimited"}:${limit.hard ?? "unlimited"}`);
  }
  heading("Times");
  detail("Created", formatDate(process.createTime));
  detail("Started", started ? `${formatDate(started)}, ${formatDuration(state.now - started.getTime())} ago` : "");
  detail(
    "Ended",
    run?.exitTime
      ? `${formatDate(run.exitTime)}${started ? `, after ${formatSeconds(run.exitTime.getTime() - started.getTime())}` : ""}`
      : "",
  );
  if (run?.stop) {
    heading("Last stop");
    list.push(...stopDetails(run.stop));
  }
  if (run && run.survivors.length > 0) {
    heading("Still running without its shim");
    list.push(...survivorDetails(run.survivors));
  }
  if (run) {
    const { output } = run;
    heading("Output");
    // Growth alone is no event of the watch; the log pane knows better.
    const shown = state.log.target?.id === process.id && state.log.opened ? state.log : null;
    const first = shown?.first ?? output.firstOffset;
    const next = shown?.next ?? output.nextOffset;
    detail(
      "Kept",
      `${formatBytes(next - first)} of ${formatBytes(next)} written, at most ${formatBytes(output.limitBytes)}${(shown?.complete ?? output.complete) ? ", complete" : ""}${output.held ? ", held" : ""}`,
    );
  }
  if (usage && usage.members.length > 0) {
    heading("Process tree");
    list.push(...treeDetails(usage.members));
  }
  const changes = state.changes.filter(({ id }) => id === process.id);
  heading("Recent changes");
  if (changes.length === 0) {
    list.push({ look: "plain", label: "none", value: "since this dashboard was opened" });
  } else {
    for (const change of changes.slice(-10).reverse()) {
      detail(
        formatTime(change.time),
        [
          `${change.shown === null ? "∅" : STATE_GLYPHS[change.shown]} ${change.state === "removed" ? "removed" : stateWord(change.state)}${(change.run ?? 0) > 1 ? `, run ${change.run}` : ""}`,
          causeText(change.cause),
        ]
          .filter(Boolean)
          .join(" · "),
      );
    }
  }
  const env = [
    ...Object.entries(spec.env),
    ...spec.envBytes.map(({ name, value }) => [escapeBytes(name), escapeBytes(value)] as const),
  ].sort(([a], [b]) => (naturalKey(a) < naturalKey(b) ? -1 : 1));
  heading(`Environment: ${spec.envMode === "replace" ? "only these variables" : "added to the daemon's"}`);
  for (const [name, value] of env) {
    // The length of a secret would be a hint.
    detail(name, overlay.reveal ? value || '""' : "••••••••");
  }
  if (env.length === 0) {
    list.push({ look: "plain", label: overlay.full ? "nothing set" : "reading…", value: "" });
  }
  return list;
}

/** The rows of the page. Long values take several: nothing is cut. A line break is shown, and made. */
export function detailsView(state: DetailsSource, overlay: DetailsPage, width: number): readonly PageLine[] {
  const list = details(state, overlay);
  // The names of variables are long and would push everything else aside: they have a column of their own.
  const environment = list.findLastIndex(({ look }) => look === "heading");
  return [list.slice(0, environment), list.slice(environment)].flatMap((part) => {
    const labelWidth = labelColumn(
      part.map(({ look, label }) => (look === "plain" ? label : "")),
      Math.max(1, Math.min(LABEL_MOST, Math.floor(width * LABEL_SHARE))),
    );
    return part.flatMap((detail) => rowsOf(detail, labelWidth, width));
  });
}

function rowsOf({ look, label, value }: Detail, labelWidth: number, width: number): readonly PageLine[] {
  if (label === "" && value === "") {
    return [BLANK_LINE];
  }
  return look === "plain"
    ? labeledLines(label, value.replaceAll("\n", "↵\n"), labelWidth, width)
    : wrapText(label || value, width).map((text) => wholeLine(look, text));
}

/** The same as sentences. */
export function detailsSentences(state: DetailsSource, overlay: DetailsPage): readonly string[] {
  return details(state, overlay).flatMap(({ label, value }) => {
    const text = `${label} ${value}`.trim();
    return text === "" ? [] : [text];
  });
}
