import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand } from "../../command.ts";

export const command = defineCommand({
  summary: "Make a context the one that commands use",
  description: 'The name "default" stands for the daemon of this machine.',
  options: {},
  operands: { usage: "NAME", min: 1, max: 1, complete: "none" },
  exitCodes: [["3", "there is no such context"]],
  async run({ operands: [name = ""], caller }) {
    await withAdmin((admin) => admin.setCurrentContext(name, caller.env));
    caller.note(`pm: commands now use the context ${name}\n`);
    return ExitCode.ok;
  },
});
