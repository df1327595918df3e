import { writeFileSync } from "node:fs";
import { ExitCode } from "../../common/exit-codes.ts";
import { resolvePath } from "../caller.ts";
import { defineCommand, flag, text } from "../command.ts";
import { CommandError } from "../errors.ts";
import { importProject } from "../project/read.ts";

export const command = defineCommand({
  summary: "Write the pm.yaml of a Procfile, process-compose.yaml, supervisord.conf or ecosystem.json",
  description: "What cannot be carried over stands on top of it as comments. A program is never executed.",
  options: {
    output: text("FILE", "Write it there (default: standard output)", { short: "o", complete: "file" }),
    force: flag("Replace a file that is there"),
  },
  operands: { usage: "[FILE...]", min: 0, complete: "file" },
  async run({ options, operands, caller }) {
    const yaml = importProject(operands, caller);
    if (options.output === undefined) {
      caller.print(yaml);
      return ExitCode.ok;
    }
    try {
      writeFileSync(resolvePath(caller, options.output), yaml, { flag: options.force ? "w" : "wx" });
    } catch (error) {
      const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
      throw new CommandError(exists ? `${options.output} is there already` : `cannot write: ${String(error)}`, {
        exitCode: exists ? ExitCode.conflict : ExitCode.failure,
        hint: exists ? "--force replaces it" : undefined,
        cause: error,
      });
    }
    return ExitCode.ok;
  },
});
