import { ExitCode } from "../../../common/exit-codes.ts";
import { duration } from "../../arguments/values.ts";
import { defineCommand, flag, single } from "../../command.ts";
import { isUnreachable, openConnection } from "../../connection.ts";
import { gone } from "../../daemon/gone.ts";
import { isEnding } from "../../daemon/launch.ts";
import { outputOption, prettyJson } from "../../output/format.ts";

export const command = defineCommand({
  summary: "Stop the daemon; processes keep running",
  description: "The next daemon finds the processes again, with all their output.",
  examples: [
    ["pm daemon stop", "the next command starts a daemon again, which finds the processes"],
    ["pm daemon stop --stop-processes -t 5s", "stops the processes first"],
  ],
  options: {
    "stop-processes": flag("Stop every process first, and kill those that do not end in time"),
    timeout: single(
      "DURATION",
      duration,
      "With --stop-processes: how long each may take (default: its own stop timeout)",
      {
        short: "t",
        complete: "none",
      },
    ),
    output: outputOption("text", "json"),
  },
  async run({ options, globals, caller }) {
    // One that dies while it is asked need not be waited for.
    const { manager, local } = await openConnection(caller, globals, { autoStart: false, reconnect: false });
    let pid: number | undefined;
    let running: number;
    try {
      ({ pid } = await manager.daemon.info());
      running = await manager.daemon.shutdown({
        stopProcesses: options["stop-processes"],
        ...(options.timeout === undefined ? {} : { graceMs: options.timeout }),
      });
    } catch (error) {
      if (isUnreachable(error) || (pid === undefined && isEnding(error))) {
        caller.note("pm: no daemon is running\n");
        if (options.output === "json") {
          caller.print(prettyJson({}));
        }
        return ExitCode.ok;
      }
      throw error;
    }
    if (local) {
      await gone(caller.ownProcess(), pid);
    }
    caller.note(
      `pm: stopped the daemon (pid ${pid})${running === 0 ? "" : `; ${running === 1 ? "1 process" : `${running} processes`} still running`}\n`,
    );
    if (options.output === "json") {
      caller.print(prettyJson({ pid, running }));
    }
    return ExitCode.ok;
  },
});
