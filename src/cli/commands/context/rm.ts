import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand } from "../../command.ts";

export const command = defineCommand({
  summary: "Forget a context and its password",
  description: "Certificates and keys stay where they are.",
  options: {},
  operands: { usage: "NAME", min: 1, max: 1, complete: "none" },
  exitCodes: [["3", "there is no such context"]],
  async run({ operands: [name = ""], caller }) {
    await withAdmin((admin) => admin.removeContext(name, caller.env));
    caller.note(`pm: removed the context ${name}\n`);
    return ExitCode.ok;
  },
});
