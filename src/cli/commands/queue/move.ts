import { ExitCode } from "../../../common/exit-codes.ts";
import { toContractJson } from "../../../sdk/index.ts";
import { operand, wholeNumber } from "../../arguments/values.ts";
import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { outputOption } from "../../output/format.ts";
import { changeFormats, printChanged } from "../../output/results.ts";

export const command = defineCommand({
  summary: "Move a process that waits in a queue to another position",
  description: "Position 1 is the next to begin; one beyond the end is the last.",
  options: { output: outputOption(...changeFormats) },
  operands: { usage: "QUEUE ID POSITION", min: 3, max: 3, complete: "process" },
  examples: [["pm queue move encode urgent 1", "it begins next"]],
  async run({ options, operands: [name = "", id = "", place = ""], globals, caller }) {
    const position = operand("POSITION", wholeNumber(1))(place);
    const { manager } = await openConnection(caller, globals);
    const { id: process } = await manager.processes.get(await manager.processes.resolve(id));
    const queue = await manager.queues.move(name, process, position);
    printChanged(caller, options.output, name, toContractJson(queue));
    return ExitCode.ok;
  },
});
