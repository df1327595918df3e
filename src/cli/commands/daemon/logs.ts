import { createReadStream } from "node:fs";
import { ExitCode } from "../../../common/exit-codes.ts";
import { defineCommand, flag } from "../../command.ts";
import { daemonLogPath } from "../../daemon/paths.ts";
import { CommandError } from "../../errors.ts";

export const command = defineCommand({
  summary: "Show the log of a daemon that was started in the background",
  options: { path: flag("Show only the path of the log") },
  examples: [
    ["pm daemon logs | tail -n 20", "the latest of it"],
    ['tail -f "$(pm daemon logs --path)"', "as it grows"],
  ],
  async run({ options, caller }) {
    const path = daemonLogPath(caller);
    if (options.path) {
      caller.print(`${path}\n`);
      return ExitCode.ok;
    }
    try {
      for await (const chunk of createReadStream(path)) {
        await caller.writeOutput(chunk);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") {
        throw new CommandError(`there is no log at ${path}`, {
          exitCode: ExitCode.notFound,
          hint: "a daemon that was started by 'pm daemon run' logs to its standard error",
        });
      }
      throw error;
    }
    return ExitCode.ok;
  },
});
