import { ExitCode } from "../../../common/exit-codes.ts";
import { wholeNumber } from "../../arguments/values.ts";
import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";

export const command = defineCommand({
  summary: "Give a process that waits in a queue another place",
  description: "1 is the next; a place beyond the end is the last.",
  options: {},
  operands: { usage: "QUEUE ID PLACE", min: 3, max: 3, complete: "process" },
  async run({ operands: [queue = "", id = "", place = ""], globals, caller }) {
    const position = wholeNumber(1)(place);
    const { manager } = await openConnection(caller, globals);
    const { id: process } = await manager.processes.get(await manager.processes.resolve(id));
    await manager.queues.move(queue, process, position);
    return ExitCode.ok;
  },
});
