import { ExitCode } from "../../../common/exit-codes.ts";
import { defineCommand } from "../../command.ts";
import { openConnection } from "../../connection.ts";

export const command = defineCommand({
  summary: "End the pause of schedules",
  options: {},
  operands: { usage: "SCHEDULE...", min: 1, complete: "none" },
  async run({ operands, globals, caller }) {
    const { manager } = await openConnection(caller, globals);
    for (const name of operands) {
      await manager.schedules.resume(name);
    }
    return ExitCode.ok;
  },
});
