import { ExitCode } from "../../common/exit-codes.ts";
import { defineCommand } from "../command.ts";
import { commandHelp, generalHelp, groupHelp } from "../help.ts";
import { UsageError } from "../usage-error.ts";
import { findEntry, findGroup } from "./registry.ts";

export const command = defineCommand({
  summary: "Show help for pm or a command",
  options: {},
  operands: { usage: "[COMMAND...]", min: 0, max: 2 },
  examples: [
    ["pm help start", "the same as pm start --help"],
    ["pm help queue add", "of a command with two words"],
  ],
  async run({ operands, caller }) {
    const [first] = operands;
    const found = findEntry(operands);
    const group = first === undefined ? undefined : findGroup(first);
    if (first === undefined) {
      caller.print(await generalHelp());
    } else if (found !== undefined) {
      caller.print(commandHelp(found.words, (await found.entry.load()).command));
    } else if (group !== undefined && operands.length === 1) {
      caller.print(await groupHelp(first, group));
    } else {
      throw new UsageError(
        `"${operands.join(" ")}" is not a command of pm`,
        group === undefined ? "see 'pm help'" : `see 'pm help ${first}'`,
      );
    }
    return ExitCode.ok;
  },
});
