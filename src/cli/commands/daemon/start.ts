import { ExitCode } from "../../../common/exit-codes.ts";
import { defineCommand } from "../../command.ts";
import { isUnreachable, openConnection } from "../../connection.ts";
import { isEnding, launchDaemon } from "../../daemon/launch.ts";
import { CommandError } from "../../errors.ts";
import { outputOption, prettyJson } from "../../output/format.ts";

export const command = defineCommand({
  summary: "Start the daemon in the background, unless it is running",
  description: "Other commands do this by themselves when they need the daemon.",
  options: { output: outputOption("text", "json") },
  examples: [
    ["pm daemon start", "when the machine boots, for example"],
    ["pm daemon start -o json 2>/dev/null | jq .pid", "for a program"],
  ],
  async run({ options, globals, caller }) {
    // One that dies while it is asked is no daemon: the next one is for this command to start, not to wait for.
    const { manager } = await openConnection(caller, globals, { autoStart: false, reconnect: false });
    try {
      const { pid } = await manager.daemon.info();
      caller.note(`pm: the daemon is already running (pid ${pid})\n`);
    } catch (error) {
      if (!isUnreachable(error) && !isEnding(error)) {
        throw error;
      }
      if (globals.host !== undefined || caller.env["PM_HOST"]) {
        throw new CommandError("only the daemon of the default socket can be started from here", {
          exitCode: ExitCode.usage,
          hint: "run 'pm daemon start' on the machine where it is to run",
        });
      }
      await launchDaemon(caller);
    }
    if (options.output === "json") {
      caller.print(prettyJson(await manager.daemon.info()));
    }
    return ExitCode.ok;
  },
});
