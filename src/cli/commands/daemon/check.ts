import { defineCommand } from "../../command.ts";
import { becomeDaemon } from "../../daemon/become.ts";
import { daemonArguments, daemonOptions } from "../../daemon/options.ts";

export const command = defineCommand({
  summary: "Say whether the daemon's configuration is good, and what it comes to",
  description: "Takes the options of 'pm daemon run'. Starts nothing.",
  options: daemonOptions,
  exitCodes: [
    ["1", "a file that it names cannot be used"],
    ["2", "a setting is wrong"],
  ],
  run: async ({ options, caller }) => becomeDaemon(caller, ["--check", ...daemonArguments(options)]),
});
