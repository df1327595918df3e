import { defineCommand } from "../../command.ts";
import { becomeDaemon } from "../../daemon/become.ts";
import { daemonArguments, daemonOptions } from "../../daemon/options.ts";

export const command = defineCommand({
  summary: "Run the daemon in the foreground, for a service manager such as systemd",
  description:
    "pm becomes the daemon, with the same PID. It logs to standard error. SIGTERM ends it, and processes keep running;\n" +
    "SIGHUP reloads certificates and users.",
  options: daemonOptions,
  examples: [
    ["pm daemon run --log-level debug", "to see what it does"],
    ["pm daemon run --runtime-dir /run/build", "another daemon, in a directory of its own"],
  ],
  run: async ({ options, caller }) => becomeDaemon(caller, daemonArguments(options)),
});
