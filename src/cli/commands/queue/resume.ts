import { ExitCode } from "../../../common/exit-codes.ts";
import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";

export const command = defineCommand({
  summary: "Let processes begin in queues again",
  options: {},
  operands: { usage: "QUEUE...", min: 1, complete: "none" },
  async run({ operands, globals, caller }) {
    const { manager } = await openConnection(caller, globals);
    for (const name of operands) {
      await manager.queues.set(name, { paused: false });
    }
    return ExitCode.ok;
  },
});
