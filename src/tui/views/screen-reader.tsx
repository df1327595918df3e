import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { KEY_MAP, keyName } from "../keys/keymap.ts";
import { formatBytes, formatPercent } from "../paint/format.ts";
import { lineText } from "../store/log-pattern.ts";
import { lineAt, previousLine } from "../store/log-window.ts";
import { commandLine } from "../store/process-filter.ts";
import { processLabel, selectedProcess } from "../store/selection.ts";
import type { DashboardState } from "../store/state.ts";
import { countStates } from "../store/table.ts";
import { plainText } from "../terminal/styled-line.ts";

const LOG_LINES = 5;

function newestLines(state: DashboardState): string[] {
  const { window } = state.log;
  const lines: string[] = [];
  let offset = window.to;
  while (lines.length < LOG_LINES) {
    const start = previousLine(window, offset);
    const line = start === null ? null : lineAt(window, start);
    if (start === null || !line) {
      break;
    }
    lines.unshift(line.gap ? "output no longer kept" : lineText(line).slice(0, 400));
    offset = start;
  }
  return lines;
}

function overlayLines(state: DashboardState): string[] {
  const { overlay } = state;
  switch (overlay?.kind) {
    case undefined:
      return [];
    case "help":
      return KEY_MAP.map(({ keys, description }) => `${keys.map(keyName).join(" or ")}: ${description}`);
    case "confirm":
      return [`${overlay.action} ${overlay.targets.map(processLabel).join(", ")}? y yes, n no`];
    case "palette":
      return [`Command: ${overlay.field.text}`];
    case "start":
      return [
        `Start a process. ${overlay.focus}: ${overlay.fields[overlay.focus].text}. Tab: next, Enter: start, Escape: close`,
        ...(overlay.error ? [overlay.error] : []),
      ];
    case "details": {
      const process = state.table.processes.get(overlay.id);
      return process
        ? [`Id ${process.id}`, `Command ${commandLine(process)}`, `Directory ${process.spec.cwd}`]
        : ["It was removed"];
    }
  }
}

/** What the screen says, as sentences in reading order. */
export function sentences(state: DashboardState): readonly string[] {
  const counts = countStates(state.table);
  const process = selectedProcess(state);
  const usage = process && state.table.usages.get(process.id);
  const lines = [
    state.connection.phase === "connected"
      ? `${state.table.order.length} processes, ${counts.running} running, ${counts.failed} failed.`
      : state.connection.phase === "connecting"
        ? "Connecting."
        : `Disconnected: ${state.connection.error}. Trying again.`,
  ];
  if (process) {
    lines.push(
      `${state.table.index + 1} of ${state.table.order.length}: ${processLabel(process)}, ${process.state}` +
        `${process.exit?.code !== undefined ? `, exit code ${process.exit.code}` : ""}` +
        `${process.exit?.signalName ? `, ${process.exit.signalName}` : ""}` +
        `${usage?.cpuPercent !== undefined ? `, cpu ${formatPercent(usage.cpuPercent)}` : ""}` +
        `${usage ? `, memory ${formatBytes(usage.residentBytes)}` : ""}` +
        `${state.table.marks.has(process.id) ? ", marked" : ""}.`,
    );
    if (state.focus === "log") {
      lines.push("Newest output:", ...newestLines(state));
    }
  } else if (state.table.loaded) {
    lines.push("No processes. Press s to start one.");
  }
  lines.push(...overlayLines(state));
  if (state.prompt) {
    lines.push(`${state.prompt.kind}: ${state.prompt.field.text}`);
  }
  for (const toast of state.toasts.slice(-1)) {
    lines.push(toast.text);
  }
  lines.push("Question mark: keys. q: quit.");
  return lines.map(plainText);
}

/** The dashboard for a screen reader: nothing is placed, drawn or coloured. */
export function ScreenReaderView({ state }: { state: DashboardState }): ReactNode {
  return (
    <Box flexDirection="column">
      {sentences(state).map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line has no other identity than its place
        <Text key={i}>{line}</Text>
      ))}
    </Box>
  );
}
