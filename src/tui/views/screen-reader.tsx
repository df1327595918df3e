import { Box, Text } from "ink";
import type { ReactNode } from "react";
import { lineText } from "../state/log/log-pattern.ts";
import { isPartial } from "../state/log/log-scroll.ts";
import { lineAt, previousLine } from "../state/log/log-window.ts";
import { pageSource, paletteChoices } from "../state/overlay-context.ts";
import { confirmNotes } from "../state/overlays/confirm.ts";
import { detailsSentences } from "../state/overlays/details-view.ts";
import { helpSentences } from "../state/overlays/help-view.ts";
import type { Confirmation, StartForm } from "../state/overlays/overlay.ts";
import { paletteEntries } from "../state/overlays/palette.ts";
import type { DashboardState } from "../state/state.ts";
import { stateText } from "../state/table/process-outcome.ts";
import { processLabel, selectedProcess } from "../state/table/selection.ts";
import { type Tally, tallies } from "../state/tallies.ts";
import { plainText } from "../terminal/styled-line.ts";
import { visibleText } from "../terminal/wrap.ts";
import { formatBytes, formatPercent, formatTime } from "../text/format.ts";

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
    lines.unshift(line.gap ? "output no longer kept" : lineText(line, isPartial(state.log, line)).slice(0, 400));
    offset = start;
  }
  return lines;
}

function overlayLines(state: DashboardState): readonly string[] {
  const { overlay } = state;
  switch (overlay?.kind) {
    case undefined:
      return [];
    case "help":
      return helpSentences();
    case "messages":
      return state.toasts.messages.length === 0
        ? ["There is no message yet."]
        : state.toasts.messages.toReversed().map(({ time, text }) => `${formatTime(time).slice(0, 8)}: ${text}`);
    case "confirm":
      return confirmLines(overlay);
    case "palette": {
      const entries = paletteEntries(overlay.field.text, paletteChoices(state));
      const entry = entries[overlay.index];
      return [
        `Command: ${overlay.field.text}`,
        entry
          ? `${overlay.index + 1} of ${entries.length}: ${entry.label}${entry.hint === "" ? "" : `, ${entry.hint}`}. Enter: run, down: next, Escape: close`
          : "No match. Escape: close",
      ];
    }
    case "start":
      return [
        `Start a process. ${overlay.focus}: ${startValue(overlay)}. ${overlay.focus === "input" ? "Left and right: choose, " : ""}Tab: next, Enter: start, Escape: close`,
        ...(overlay.error ? [overlay.error] : []),
      ];
    case "details":
      return detailsSentences(pageSource(state), overlay);
  }
}

/** How many first, then which, then what else there is to know. */
function confirmLines(overlay: Confirmation): readonly string[] {
  const names = overlay.targets.map(processLabel).join(", ");
  const what = overlay.targets.length === 1 ? names : `${overlay.targets.length} processes`;
  return [
    `${overlay.action} ${what}? y yes, n no`,
    ...(overlay.targets.length === 1 ? [] : [`They are ${names}.`]),
    ...confirmNotes(overlay).map((note) => `${note}.`),
  ];
}

function startValue(overlay: StartForm): string {
  return overlay.focus === "input" ? overlay.input : visibleText(overlay.fields[overlay.focus].text);
}

/** What narrows the table down, and what is chosen of it. */
function tableLines({ table }: DashboardState): readonly string[] {
  return [
    ...(table.filter === ""
      ? []
      : [`Filter ${table.filter}: ${table.order.length} of ${table.processes.size} processes match.`]),
    ...(table.marks.size === 0 ? [] : [`${table.marks.size} marked.`]),
  ];
}

/** What is looked for in the log, and its end. */
function logLines(state: DashboardState): readonly string[] {
  const { filtered, pattern } = state.log;
  const newest = newestLines(state);
  return [
    ...(filtered ? [`Only lines with ${filtered.pattern.text}: ${filtered.matches} match.`] : []),
    ...(pattern ? [`Search ${pattern.text}.`] : []),
    ...(newest.length === 0 ? ["No output yet."] : ["Newest output:", ...newest]),
  ];
}

/** "2 exited with an error": what only the sign says on the screen is said. */
function spokenTally({ count, label, sign }: Tally): string {
  return `${count} ${label}${label === "exited" && sign === "failed" ? " with an error" : ""}`;
}

/** What the screen says, as sentences in reading order. */
export function sentences(state: DashboardState): readonly string[] {
  const { counts } = state.table;
  const process = selectedProcess(state.table);
  const usage = process && state.table.usages.get(process.id);
  const lines = [
    state.connection.phase === "connected" && state.table.loaded
      ? `${state.table.processes.size} processes: ${tallies(counts).map(spokenTally).join(", ")}.`
      : state.connection.phase !== "disconnected"
        ? "Connecting."
        : `Disconnected: ${state.connection.error}. Trying again.`,
    ...tableLines(state),
  ];
  if (process) {
    const exit = process.run?.exit;
    lines.push(
      `${state.table.index + 1} of ${state.table.order.length}: ${processLabel(process)}, ${stateText(process)}` +
        `${exit?.code !== undefined ? `, exit code ${exit.code}` : ""}` +
        `${exit?.signalName ? `, ${exit.signalName}` : ""}` +
        `${usage?.cpuPercent !== undefined ? `, cpu ${formatPercent(usage.cpuPercent)}` : ""}` +
        `${usage ? `, memory ${formatBytes(usage.residentBytes)}` : ""}` +
        `${state.table.marks.has(process.id) ? ", marked" : ""}.`,
    );
    if (state.focus === "log") {
      lines.push(...logLines(state));
    }
  } else if (state.table.loaded) {
    lines.push(
      state.table.processes.size === 0
        ? "No processes. Press s to start one."
        : "No process matches. Escape: clear the filter.",
    );
  }
  lines.push(...overlayLines(state));
  if (state.prompt) {
    lines.push(`${state.prompt.kind}: ${state.prompt.field.text}`);
  }
  for (const toast of state.toasts.shown.slice(-1)) {
    lines.push(toast.text);
  }
  lines.push("Question mark: keys. q: quit.");
  return lines.map(plainText);
}

/** The dashboard for a screen reader: nothing is placed, drawn or colored. */
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
