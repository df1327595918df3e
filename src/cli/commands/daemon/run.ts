import { defineCommand } from "../../command.ts";
import { becomeDaemon } from "../../daemon/become.ts";
import { daemonArguments, daemonOptions } from "../../daemon/options.ts";

export const command = defineCommand({
  summary: "Run the daemon in the foreground, for a supervisor like systemd",
  description:
    "pm becomes the daemon, under the same PID. It logs to standard error; SIGTERM ends it, processes run on.",
  options: daemonOptions,
  run: async ({ options, caller }) => becomeDaemon(caller, daemonArguments(options)),
});
