import { ExitCode } from "../../../common/exit-codes.ts";
import { withAdmin } from "../../admin.ts";
import { defineCommand } from "../../command.ts";
import { outputOption } from "../../output/format.ts";
import { changeFormats, printChanged } from "../../output/results.ts";

export const command = defineCommand({
  summary: "Set the current context: the daemon that commands use",
  description:
    'The name "default" is the daemon of this machine. --host, --context, PM_HOST and PM_CONTEXT count more.',
  options: { output: outputOption(...changeFormats) },
  operands: { usage: "NAME", min: 1, max: 1, complete: "none" },
  exitCodes: [["3", "there is no such context"]],
  examples: [
    ["pm context use box", "commands use the daemon of box"],
    ["pm context use default", "and again that of this machine"],
  ],
  async run({ options, operands: [name = ""], caller }) {
    await withAdmin((admin) => admin.setCurrentContext(name, caller.env));
    caller.note(`pm: commands now use the context ${name}\n`);
    printChanged(caller, options.output, name, { name });
    return ExitCode.ok;
  },
});
