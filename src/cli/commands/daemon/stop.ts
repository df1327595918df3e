import { ExitCode } from "../../../common/exit-codes.ts";
import { duration } from "../../arguments/values.ts";
import { defineCommand, flag, single } from "../../command.ts";
import { isUnreachable, openConnection } from "../../connection.ts";
import { gone } from "../../daemon/gone.ts";

export const command = defineCommand({
  summary: "Stop the daemon; processes run on",
  description: "The next daemon finds the processes again, with all their output.",
  examples: [
    ["pm daemon stop", "processes run on, and the next command starts a daemon"],
    ["pm daemon stop --stop-processes -t 5s", "and stop them first"],
  ],
  options: {
    "stop-processes": flag("Stop every process first, by force after its stop timeout"),
    timeout: single("DURATION", duration, "With --stop-processes: how long each has (default: its own stop timeout)", {
      short: "t",
      complete: "none",
    }),
  },
  async run({ options, globals, caller }) {
    const { manager, local } = await openConnection(caller, globals, { autoStart: false });
    let pid: number;
    let running: number;
    try {
      ({ pid } = await manager.daemon.info());
      running = await manager.daemon.shutdown({
        stopProcesses: options["stop-processes"],
        ...(options.timeout === undefined ? {} : { graceMs: options.timeout }),
      });
    } catch (error) {
      if (isUnreachable(error)) {
        caller.note("pm: no daemon runs\n");
        return ExitCode.ok;
      }
      throw error;
    }
    if (local) {
      await gone(caller.ownProcess(), pid);
    }
    caller.note(
      `pm: stopped the daemon (pid ${pid})${running === 0 ? "" : `; ${running === 1 ? "1 process runs" : `${running} processes run`} on`}\n`,
    );
    return ExitCode.ok;
  },
});
