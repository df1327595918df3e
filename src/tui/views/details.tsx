import { Box, Text } from "ink";
import type { ReactNode } from "react";
import type { ProcessInfo, TreeMember } from "../../sdk/types.ts";
import { formatBytes, formatDate, formatDuration, formatPercent, formatTime } from "../paint/format.ts";
import { processLabel } from "../store/selection.ts";
import type { DashboardState, Overlay } from "../store/state.ts";
import type { Rect } from "../terminal/grid.ts";
import { plainText } from "../terminal/styled-line.ts";
import { STATE_GLYPHS, type Theme } from "../themes/themes.ts";
import { ink } from "./ink-style.ts";
import { Panel } from "./panel.tsx";

interface Line {
  readonly key: string;
  readonly label: string;
  readonly value: string;
  readonly heading?: boolean;
}

function exitLine(process: ProcessInfo): string {
  const { exit, failure } = process;
  if (failure) {
    return `${failure.message}${failure.errnoName ? ` (${failure.errnoName})` : ""} in step ${failure.step}${failure.path ? `: ${failure.path}` : ""}`;
  }
  if (!exit) {
    return "";
  }
  const how =
    exit.code !== undefined ? `code ${exit.code}` : `${exit.signalName}${exit.coreDumped ? ", core dumped" : ""}`;
  return `${how}${exit.oomKilled ? ", out of memory" : ""} · cpu ${formatDuration(exit.usage.userMs + exit.usage.systemMs)} · at most ${formatBytes(exit.usage.maxResidentBytes)}`;
}

/** The tree with each member under its parent. */
function treeLines(members: readonly TreeMember[]): Line[] {
  const children = new Map<number, TreeMember[]>();
  const pids = new Set(members.map(({ pid }) => pid));
  for (const member of members) {
    const parent = pids.has(member.parentPid) ? member.parentPid : 0;
    children.set(parent, [...(children.get(parent) ?? []), member]);
  }
  const lines: Line[] = [];
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
      lines.push({
        key: `tree ${member.pid}`,
        label: String(member.pid),
        value: `${indent}${branch}${plainText(member.command)}  ${member.state} · ${formatBytes(member.residentBytes)}`,
      });
      visit(member.pid, parent === 0 ? " " : `${indent}${last ? "  " : "│ "}`);
    }
  };
  visit(0, "");
  return lines;
}

function linesOf(
  process: ProcessInfo,
  overlay: Extract<Overlay, { kind: "details" }>,
  state: DashboardState,
): readonly Line[] {
  const { spec, output } = process;
  const lines: Line[] = [];
  const heading = (text: string): void => {
    lines.push({ key: `blank ${text}`, label: "", value: "" }, { key: text, label: text, value: "", heading: true });
  };
  const line = (label: string, value: string): void => {
    if (value !== "") {
      lines.push({ key: `${label} ${lines.length}`, label, value: plainText(value) });
    }
  };
  const started = process.startTime;
  const usage = overlay.usage;
  line("Id", process.id);
  line("Name", spec.name);
  line(
    "State",
    `${STATE_GLYPHS[process.state]} ${process.state}${process.treeAlive && !process.pid ? ", children live on" : ""}`,
  );
  line("Run", String(process.run));
  line("Pid", process.pid === undefined ? "" : String(process.pid));
  line("Exit", exitLine(process));
  if (usage) {
    line(
      "Usage",
      `cpu ${usage.cpuPercent === undefined ? "–" : formatPercent(usage.cpuPercent)}, ${formatDuration(usage.cpuMs)} in all · mem ${formatBytes(usage.residentBytes)}` +
        (usage.io ? ` · read ${formatBytes(usage.io.readBytes)} · written ${formatBytes(usage.io.writtenBytes)}` : ""),
    );
  }
  heading("Spec");
  line("Executable", spec.executable);
  for (const [i, argument] of spec.args.entries()) {
    line(i === 0 ? "Arguments" : " ", argument === "" ? '""' : argument);
  }
  line("Directory", spec.cwd);
  line(
    "Input",
    spec.terminal ? `terminal ${spec.terminal.columns}x${spec.terminal.rows}` : spec.stdin === "pipe" ? "pipe" : "none",
  );
  line("Stop", `${spec.stop.signal}, ${formatDuration(spec.stop.graceMs)} to end`);
  line(
    "Labels",
    Object.entries(spec.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(" "),
  );
  for (const limit of spec.limits.rlimits ?? []) {
    line("Limit", `${limit.resource} ${limit.soft ?? "unlimited"}:${limit.hard ?? "unlimited"}`);
  }
  heading("Times");
  line("Created", formatDate(process.createTime));
  line("Started", started ? `${formatDate(started)}, ${formatDuration(state.now - started.getTime())} ago` : "");
  line(
    "Ended",
    process.exitTime
      ? `${formatDate(process.exitTime)}${started ? `, after ${formatDuration(process.exitTime.getTime() - started.getTime())}` : ""}`
      : "",
  );
  heading("Output");
  // Growth alone is no event of the watch; the log pane knows better.
  const shown = state.log.target?.id === process.id && state.log.opened ? state.log : null;
  const first = shown?.first ?? output.firstOffset;
  const next = shown?.next ?? output.nextOffset;
  line(
    "Kept",
    `${formatBytes(next - first)} of ${formatBytes(next)} written, at most ${formatBytes(output.limitBytes)}${(shown?.complete ?? output.complete) ? ", complete" : ""}`,
  );
  if (usage && usage.members.length > 0) {
    heading("Process tree");
    lines.push(...treeLines(usage.members));
  }
  const changes = state.changes.filter(({ id }) => id === process.id);
  if (changes.length > 0) {
    heading("Recent changes");
    for (const change of changes.slice(-10).reverse()) {
      line(
        formatTime(change.time),
        `${STATE_GLYPHS[change.state]} ${change.state}${change.run > 1 ? `, run ${change.run}` : ""}`,
      );
    }
  }
  const env = Object.entries(spec.env).sort(([a], [b]) => (a < b ? -1 : 1));
  heading(`Environment: ${spec.envMode === "replace" ? "these alone" : "laid over the daemon's"}`);
  for (const [name, value] of env) {
    // The length of a secret would be a hint.
    line(plainText(name), overlay.reveal ? value : "••••••••");
  }
  if (env.length === 0) {
    line("none", overlay.full ? "nothing set" : "reading…");
  }
  return lines;
}

/** Everything about one process. */
export function Details({
  rect,
  overlay,
  state,
  theme,
}: {
  rect: Rect;
  overlay: Extract<Overlay, { kind: "details" }>;
  state: DashboardState;
  theme: Theme;
}): ReactNode {
  const current = state.table.processes.get(overlay.id);
  const base = current ?? overlay.full;
  if (!base) {
    return (
      <Panel rect={rect} title="Details" keys="q Esc close" theme={theme}>
        <Text {...ink(theme.faint)}>It was removed</Text>
      </Panel>
    );
  }
  const process = overlay.full ? { ...base, spec: { ...base.spec, env: overlay.full.spec.env } } : base;
  const lines = linesOf(process, overlay, state);
  const rows = Math.max(1, rect.height - 4);
  const from = Math.max(0, Math.min(overlay.scroll, lines.length - rows));
  const keys = `${lines.length > rows ? "j k scroll · " : ""}e ${overlay.reveal ? "hides" : "shows"} values · q Esc close`;
  return (
    <Panel rect={rect} title={plainText(processLabel(process))} keys={keys} theme={theme}>
      <Box flexDirection="column" marginTop={1}>
        {lines.slice(from, from + rows).map((item) => (
          <Box key={item.key} height={1} flexShrink={0}>
            {item.heading ? (
              <Text {...ink(theme.strong)} wrap="truncate">
                {item.label}
              </Text>
            ) : (
              <>
                <Box width={16} flexShrink={0} paddingRight={1}>
                  <Text {...ink(theme.faint)} wrap="truncate">
                    {item.label}
                  </Text>
                </Box>
                <Text wrap="truncate">{item.value || " "}</Text>
              </>
            )}
          </Box>
        ))}
      </Box>
    </Panel>
  );
}
