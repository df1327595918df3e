import { escapeText } from "../../../common/escape.ts";
import { ExitCode } from "../../../common/exit-codes.ts";
import { formatBytes, formatDuration } from "../../../common/quantities.ts";
import type { DaemonInfo } from "../../../sdk/index.ts";
import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { painter } from "../../output/color.ts";
import { outputOption, prettyJson } from "../../output/format.ts";
import { version } from "../../version.ts";

export const command = defineCommand({
  summary: "Show whether the daemon is running, and its limits",
  description: "Also its journal, and files that it could not read and has set aside. Starts no daemon.",
  options: { output: outputOption("text", "json") },
  examples: [
    ["pm daemon status", "for people"],
    ["pm daemon status -o json | jq .pid", "for a program"],
  ],
  exitCodes: [["4", "no daemon is running"]],
  async run({ options, globals, caller }) {
    const { manager } = await openConnection(caller, globals, { autoStart: false });
    const info: DaemonInfo = await manager.daemon.info();
    if (info.version !== version) {
      caller.note(
        `pm: this is version ${version}, the daemon is ${info.version}\nhint: 'pm daemon restart' replaces the daemon; processes keep running\n`,
      );
    }
    if (options.output === "json") {
      caller.print(prettyJson(info));
      return ExitCode.ok;
    }
    const counts = Object.entries(info.counts).filter(([, count]) => count > 0);
    const rows: (readonly [string, string])[] = [
      ["Address", manager.address],
      ["Host", info.hostname],
      ["PID", String(info.pid)],
      ["Version", `${info.version} (Node.js ${info.runtimeVersion})`],
      ["Started", `${info.startTime.toISOString()} (${formatDuration(Date.now() - info.startTime.getTime())} ago)`],
      ["Directory", info.runtimeDirectory],
      ["Processes", counts.map(([state, count]) => `${count} ${state}`).join(", ") || "none"],
      [
        "Output limit",
        `${formatBytes(info.limits.defaultOutputLimitBytes)} by default, at most ${formatBytes(info.limits.maxOutputLimitBytes)}`,
      ],
      ["Process limit", String(info.limits.maxProcesses)],
      [
        "Ended processes",
        `at most ${info.limits.maxEndedProcesses}, ${formatBytes(info.limits.maxEndedBytes)}${info.limits.maxEndedAgeMs === undefined ? "" : `, ${formatDuration(info.limits.maxEndedAgeMs)}`}; ${info.limits.keptRuns} runs of each`,
      ],
      ["Connections", `at most ${info.limits.maxConnections}, ${info.limits.maxStreamsPerConnection} streams each`],
      ...(info.journal === undefined
        ? []
        : ([
            [
              "Journal",
              `events ${info.journal.firstSequence} to ${info.journal.lastSequence}, ${formatBytes(info.journal.bytes)} of at most ${formatBytes(info.journal.maxBytes)}`,
            ],
          ] as const)),
      ["Tree limits", info.cgroupLimits ? "available (cgroup v2)" : "not available (no writable cgroup v2)"],
    ];
    const rowsOfFiles = info.setAside.map(
      ({ path, problem, newer }) =>
        ["Set aside", escapeText(`${path}: ${problem}${newer ? " (a newer version of pm wrote it)" : ""}`)] as const,
    );
    const more = info.setAsideCount - info.setAside.length;
    rows.push(...rowsOfFiles, ...(more > 0 ? [["Set aside", `and ${more} more`] as const] : []));
    const paint = painter(caller, globals);
    const width = Math.max(...rows.map(([title]) => title.length));
    caller.print(rows.map(([title, text]) => `${paint("bold", title.padEnd(width))}  ${text}\n`).join(""));
    return ExitCode.ok;
  },
});
