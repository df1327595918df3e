import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { ExitCode } from "../../exit-code.ts";

export const command = defineCommand({
  summary: "End the pause of schedules",
  options: {},
  operands: { usage: "SCHEDULE...", min: 1, complete: "none" },
  async run({ operands, globals, caller }) {
    const { call } = await openConnection(caller, globals);
    for (const name of operands) {
      await call((manager) => manager.schedules.resume(name));
    }
    return ExitCode.ok;
  },
});
