import { ExitCode } from "../../../common/exit-codes.ts";
import { defineCommand } from "../../command.ts";
import { isUnreachable, openConnection } from "../../connection.ts";
import { launchDaemon } from "../../daemon/launch.ts";
import { CommandError } from "../../errors.ts";

export const command = defineCommand({
  summary: "Start the daemon in the background, unless it runs",
  description: "Other commands do that by themselves when they need it.",
  options: {},
  async run({ globals, caller }) {
    // One that dies while it is asked is no daemon: the next one is for this command to start, not to wait for.
    const { manager } = await openConnection(caller, globals, { autoStart: false, reconnect: false });
    try {
      const { pid } = await manager.daemon.info();
      caller.note(`pm: the daemon runs already (pid ${pid})\n`);
    } catch (error) {
      if (!isUnreachable(error)) {
        throw error;
      }
      if (globals.host !== undefined || caller.env["PM_HOST"]) {
        throw new CommandError("only the daemon of the default socket can be started from here", {
          exitCode: ExitCode.usage,
          hint: "use 'pm daemon run' where it shall run",
        });
      }
      await launchDaemon(caller);
    }
    return ExitCode.ok;
  },
});
