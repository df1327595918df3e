import { existsSync } from "node:fs";
import { defineCommand } from "../../command.ts";
import { daemonProgram } from "../../daemon/paths.ts";
import { CommandError } from "../../errors.ts";

export const command = defineCommand({
  summary: "Run the daemon in the foreground, for a supervisor like systemd",
  description:
    "pm becomes the daemon, under the same PID. It logs to standard error; SIGTERM ends it, processes run on.",
  options: {},
  operands: { usage: "[DAEMON-OPTION...]", min: 0, verbatim: true, complete: "none" },
  async run({ operands }) {
    const program = daemonProgram();
    if (!existsSync(program)) {
      throw new CommandError(`${program} is missing`, { hint: "build it: npm run build" });
    }
    const { execve } = process;
    if (execve === undefined) {
      throw new CommandError("this Node.js cannot replace itself by another program");
    }
    execve.call(process, process.execPath, [process.execPath, program, ...operands]);
    throw new CommandError("cannot become the daemon");
  },
});
