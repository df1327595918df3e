import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { ExitCode } from "../../exit-code.ts";

export const command = defineCommand({
  summary: "Let schedules pass their times",
  options: {},
  operands: { usage: "SCHEDULE...", min: 1, complete: "none" },
  async run({ operands, globals, caller }) {
    const { call } = await openConnection(caller, globals);
    for (const name of operands) {
      await call((manager) => manager.schedules.pause(name));
    }
    return ExitCode.ok;
  },
});
