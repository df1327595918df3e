import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { ExitCode } from "../../exit-code.ts";

export const command = defineCommand({
  summary: "Remove queues that nobody waits or runs in",
  options: {},
  operands: { usage: "QUEUE...", min: 1, complete: "none" },
  async run({ operands, globals, caller }) {
    const { call } = await openConnection(caller, globals);
    for (const name of operands) {
      await call((manager) => manager.queues.remove(name));
    }
    return ExitCode.ok;
  },
});
