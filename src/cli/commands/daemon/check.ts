import { defineCommand } from "../../command.ts";
import { becomeDaemon } from "../../daemon/become.ts";
import { daemonArguments, daemonOptions } from "../../daemon/options.ts";

export const command = defineCommand({
  summary: "Check the daemon's configuration, and show what it comes to",
  description: "Takes the options of 'pm daemon run', and starts nothing.",
  options: daemonOptions,
  examples: [
    ["pm daemon check", "the configuration as it is"],
    ["pm daemon check --config new.yaml && mv new.yaml ~/.config/pm/daemon.yaml", "before it is put in place"],
  ],
  exitCodes: [
    ["1", "a file named in it cannot be used"],
    ["2", "a setting is wrong"],
  ],
  run: async ({ options, caller }) => becomeDaemon(caller, ["--check", ...daemonArguments(options)]),
});
