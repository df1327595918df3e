import { ExitCode } from "../../../common/exit-codes.ts";
import { formatBytes, formatDuration } from "../../../common/quantities.ts";
import type { DaemonInfo } from "../../../sdk/index.ts";
import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { painter } from "../../output/color.ts";
import { outputOption, prettyJson } from "../../output/format.ts";

export const command = defineCommand({
  summary: "Show whether the daemon runs, and what it allows",
  options: { output: outputOption("text", "json") },
  exitCodes: [["4", "no daemon runs"]],
  async run({ options, globals, caller }) {
    const { manager } = await openConnection(caller, globals, { autoStart: false });
    const info: DaemonInfo = await manager.daemon.info();
    if (options.output === "json") {
      caller.print(prettyJson(info));
      return ExitCode.ok;
    }
    const counts = Object.entries(info.counts).filter(([, count]) => count > 0);
    const rows: readonly (readonly [string, string])[] = [
      ["Address", manager.address],
      ["Host", info.hostname],
      ["PID", String(info.pid)],
      ["Version", `${info.version} (Node.js ${info.runtimeVersion})`],
      ["Started", `${info.startTime.toISOString()} (${formatDuration(Date.now() - info.startTime.getTime())} ago)`],
      ["Directory", info.runtimeDirectory],
      ["Processes", counts.map(([state, count]) => `${count} ${state}`).join(", ") || "none"],
      [
        "Output limit",
        `${formatBytes(info.limits.defaultOutputLimitBytes)} unless asked for, at most ${formatBytes(info.limits.maxOutputLimitBytes)}`,
      ],
      ["Process limit", String(info.limits.maxProcesses)],
      ["Tree limits", info.cgroupLimits ? "available (cgroup v2)" : "not available (no writable cgroup v2)"],
    ];
    const paint = painter(caller, globals);
    const width = Math.max(...rows.map(([title]) => title.length));
    caller.print(rows.map(([title, text]) => `${paint("bold", title.padEnd(width))}  ${text}\n`).join(""));
    return ExitCode.ok;
  },
});
