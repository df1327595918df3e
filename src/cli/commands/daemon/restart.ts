import { ExitCode } from "../../../common/exit-codes.ts";
import { runtimeDirectory } from "../../../common/paths.ts";
import { defineCommand } from "../../command.ts";
import { isUnreachable, openConnection, patienceOf } from "../../connection.ts";
import { gone } from "../../daemon/gone.ts";
import { holderOf } from "../../daemon/holder.ts";
import { isEnding, isTimeout, launchDaemon } from "../../daemon/launch.ts";
import { CommandError } from "../../errors.ts";
import { outputOption, prettyJson } from "../../output/format.ts";

export const command = defineCommand({
  summary: "Replace the daemon with one of this version; processes keep running",
  description:
    "Nothing is lost: the next daemon finds the processes, their output and all pending requests, and commands that\n" +
    "follow or wait go on with it. A daemon that does not respond within 30 seconds is killed. One that a service manager\n" +
    "runs (systemd, 'pm daemon run') is restarted there.",
  options: { output: outputOption("text", "json") },
  examples: [["pm daemon restart", "after pm or the daemon's configuration was updated"]],
  async run({ options, globals, caller }) {
    const own = caller.ownProcess();
    if (globals.host !== undefined || globals.context !== undefined || caller.env["PM_HOST"]) {
      throw new CommandError("only the daemon of the default socket can be restarted from here", {
        exitCode: ExitCode.usage,
        hint: "restart it on its machine",
      });
    }
    // One that dies while it is asked need not be waited for.
    const { manager } = await openConnection(caller, globals, { autoStart: false, reconnect: false });
    try {
      const { patienceMs: timeoutMs } = patienceOf(caller.env);
      const { pid, version } = await manager.daemon.info(timeoutMs === undefined ? {} : { timeoutMs });
      await manager.daemon.shutdown();
      await gone(own, pid);
      caller.note(`pm: stopped the daemon (pid ${pid}, version ${version})\n`);
    } catch (error) {
      const holder = isTimeout(error) ? holderOf(runtimeDirectory(caller.env)) : undefined;
      if (holder !== undefined) {
        // One that was stopped would end when it goes on, one that hangs never. What is asked for is on record.
        own.kill(holder, "SIGKILL");
        await gone(own, holder);
        caller.note(`pm: killed the daemon (pid ${holder}), which did not respond\n`);
      } else if (!isUnreachable(error) && !isEnding(error)) {
        throw error;
      }
    }
    await launchDaemon(caller);
    if (options.output === "json") {
      const { manager: next } = await openConnection(caller, globals);
      caller.print(prettyJson(await next.daemon.info()));
    }
    return ExitCode.ok;
  },
});
