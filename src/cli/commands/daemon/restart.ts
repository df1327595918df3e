import { ExitCode } from "../../../common/exit-codes.ts";
import { defineCommand } from "../../command.ts";
import { isUnreachable, openConnection } from "../../connection.ts";
import { gone } from "../../daemon/gone.ts";
import { launchDaemon } from "../../daemon/launch.ts";
import { CommandError } from "../../errors.ts";

export const command = defineCommand({
  summary: "Replace the daemon by one of this build; processes run on",
  description:
    "Nothing is lost: processes, their output and what was asked for are found by the next daemon, and commands that\n" +
    "follow or wait go on with it. Of a daemon that a supervisor runs (systemd, 'pm daemon run'), restart that instead.",
  options: {},
  examples: [["pm daemon restart", "after an update of pm, or of its configuration"]],
  async run({ globals, caller }) {
    const own = caller.ownProcess();
    if (globals.host !== undefined || globals.context !== undefined || caller.env["PM_HOST"]) {
      throw new CommandError("only the daemon of the default socket can be restarted from here", {
        exitCode: ExitCode.usage,
        hint: "restart it on its machine",
      });
    }
    const { manager } = await openConnection(caller, globals, { autoStart: false });
    try {
      const { pid, version } = await manager.daemon.info();
      await manager.daemon.shutdown();
      await gone(own, pid);
      caller.note(`pm: stopped the daemon (pid ${pid}, version ${version})\n`);
    } catch (error) {
      if (!isUnreachable(error)) {
        throw error;
      }
    }
    await launchDaemon(caller, manager);
    return ExitCode.ok;
  },
});
