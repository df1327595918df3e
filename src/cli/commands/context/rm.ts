import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand } from "../../command.ts";
import { outputOption } from "../../output/format.ts";
import { changeFormats, printChanged } from "../../output/results.ts";

export const command = defineCommand({
  summary: "Remove a context and its password",
  description: "Certificates and keys stay where they are.",
  options: { output: outputOption(...changeFormats) },
  operands: { usage: "NAME", min: 1, max: 1, complete: "none" },
  exitCodes: [["3", "there is no such context"]],
  examples: [["pm context rm box", "certificates and keys stay"]],
  async run({ options, operands: [name = ""], caller }) {
    await withAdmin((admin) => admin.removeContext(name, caller.env));
    caller.note(`pm: removed the context ${name}\n`);
    printChanged(caller, options.output, name, { name });
    return ExitCode.ok;
  },
});
