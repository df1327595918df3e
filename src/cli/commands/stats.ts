import { escapeText } from "../../common/escape.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import { formatBytes, formatDuration } from "../../common/quantities.ts";
import { type ProcessInfo, toContractJson, type UsageSample } from "../../sdk/index.ts";
import { duration } from "../arguments/values.ts";
import type { Caller } from "../caller.ts";
import { defineCommand, flag, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { findProcesses } from "../find.ts";
import { type Paint, painter } from "../output/color.ts";
import { jsonLine, outputOption, prettyJson } from "../output/format.ts";
import { LiveScreen } from "../output/live-screen.ts";
import { renderTable } from "../output/table.ts";
import { terminalColumns } from "../output/terminal.ts";
import { selectionHelp, selectionOf, selectionOptions } from "../selection.ts";
import { UsageError } from "../usage-error.ts";

/** The shortest that the contract allows, for a percentage at once. Milliseconds. */
const shortestMs = 250;

export const command = defineCommand({
  summary: "Show the resource usage of processes and everything that they started",
  description:
    "On a terminal the table is updated with each sample, the busiest process first; Ctrl-C ends it. Elsewhere, and with\n" +
    `--no-stream, there is one sample. Without an ID, all running processes.\n\n${selectionHelp}`,
  options: {
    "no-stream": flag("Show one sample and exit"),
    interval: single("DURATION", duration, "Time between samples (default: 1s)", { complete: "none" }),
    selector: selectionOptions.selector,
    output: outputOption("table", "json", "jsonl"),
  },
  operands: { usage: "[ID...]", min: 0, complete: "process" },
  examples: [
    ["pm stats --no-stream", "one sample of all"],
    ["pm stats --no-stream -o json 'web-*' | jq .usages[].residentBytes", "for a program"],
  ],
  async run({ options, operands, globals, caller }) {
    const format = options.output ?? "table";
    const live = !options["no-stream"] && (format === "jsonl" || (format === "table" && caller.terminal.stdout));
    if (!options["no-stream"] && format === "json" && caller.terminal.stdout) {
      throw new UsageError("--output json is one sample: give --no-stream, or --output jsonl");
    }
    if (live) {
      caller.ownProcess();
    }
    const { manager } = await openConnection(caller, globals, { follows: live });
    let failed: number | undefined;
    let filter = {};
    if (operands.length > 0 || options.selector !== undefined) {
      const selection = selectionOf(operands, { selector: options.selector, all: false });
      const result = await findProcesses(manager, selection, caller, { debug: globals.debug });
      failed = result.failed;
      if (result.found.length === 0) {
        return failed ?? ExitCode.ok;
      }
      filter = { filter: { ids: result.found.map(({ id }) => id) } };
    }
    const samples = manager.processes.stats({
      ...filter,
      io: true,
      intervalMs: options.interval ?? (live ? 1000 : shortestMs),
    });
    const screen = live && format === "table" ? new LiveScreen(caller) : undefined;
    const paint = painter(caller, globals);
    for await (const sample of samples) {
      if (!live && sample.intervalMs === undefined && sample.usages.length > 0) {
        continue; // A percentage takes two samples.
      }
      if (format !== "table") {
        const text = format === "json" ? prettyJson : jsonLine;
        caller.print(text(toContractJson(sample)));
      } else {
        const infos = new Map((await manager.processes.listAll(filter)).map((info) => [info.id, info]));
        const table = usageTable(sample, infos, paint, caller);
        if (screen === undefined) {
          caller.print(table);
        } else {
          screen.draw(table);
        }
      }
      if (!live) {
        break;
      }
    }
    return failed ?? ExitCode.ok;
  },
});

function usageTable(
  { usages }: UsageSample,
  infos: ReadonlyMap<string, ProcessInfo>,
  paint: Paint,
  caller: Caller,
): string {
  const width = terminalColumns(caller);
  const rows = [...usages]
    .sort((a, b) => (b.cpuPercent ?? 0) - (a.cpuPercent ?? 0) || b.residentBytes - a.residentBytes)
    .map(({ id, cpuPercent, cpuMs, residentBytes, descendants, io }) =>
      [
        escapeText(infos.get(id)?.name ?? "-"),
        width === undefined ? id : id.slice(0, 8),
        cpuPercent === undefined ? "-" : `${cpuPercent.toFixed(1)}%`,
        formatBytes(residentBytes),
        String(descendants + 1),
        io === undefined ? "-" : formatBytes(io.readBytes),
        io === undefined ? "-" : formatBytes(io.writtenBytes),
        formatDuration(cpuMs),
      ].map((text) => ({ text })),
    );
  return renderTable(["NAME", "ID", "CPU", "MEMORY", "PIDS", "READ", "WRITTEN", "TIME"], rows, {
    paint,
    alignRight: new Set(["CPU", "MEMORY", "PIDS", "READ", "WRITTEN"]),
    ...(width === undefined ? {} : { width }),
  });
}
