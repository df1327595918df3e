import { writeFileSync } from "node:fs";
import { ExitCode } from "../../common/exit-codes.ts";
import { resolvePath } from "../caller.ts";
import { defineCommand, flag, text } from "../command.ts";
import { CommandError } from "../errors.ts";
import { importProject } from "../project/read.ts";

export const command = defineCommand({
  summary: "Translate a Procfile, process-compose.yaml, supervisord.conf or ecosystem.json into pm.yaml",
  description: "What cannot be carried over is listed in comments at the top. Nothing in the files is executed.",
  options: {
    output: text("FILE", "The file to write (default: standard output)", { short: "o", complete: "file" }),
    force: flag("Replace the file if it exists"),
  },
  operands: { usage: "[FILE...]", min: 0, complete: "file" },
  exitCodes: [["5", "the file exists already"]],
  examples: [
    ["pm import Procfile", "shows the pm.yaml that a Procfile comes to"],
    ["pm import -o pm.yaml supervisord.conf && pm diff", "writes it, and shows what it would start"],
  ],
  async run({ options, operands, caller }) {
    const yaml = importProject(operands, caller);
    if (options.output === undefined) {
      caller.print(yaml);
      return ExitCode.ok;
    }
    try {
      writeFileSync(resolvePath(caller, options.output), yaml, { flag: options.force ? "w" : "wx" });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const exists = code === "EEXIST";
      throw new CommandError(
        `--output: ${exists ? `${options.output} exists already` : `cannot write ${options.output} (${code})`}`,
        {
          exitCode: exists ? ExitCode.conflict : ExitCode.failure,
          hint: exists ? "--force replaces it" : undefined,
          cause: error,
        },
      );
    }
    return ExitCode.ok;
  },
});
