import { ExitCode } from "../../../common/exit-codes.ts";
import { wholeNumber } from "../../arguments/values.ts";
import { defineCommand, single } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { UsageError } from "../../usage-error.ts";

export const command = defineCommand({
  summary: "Change how many run at a time in a queue",
  options: {
    parallel: single("NUMBER", wholeNumber(1), "How many run at a time", { short: "j", complete: "none" }),
  },
  operands: { usage: "QUEUE", min: 1, max: 1, complete: "none" },

  async run({ options, operands: [name = ""], globals, caller }) {
    const { parallel } = options;
    if (parallel === undefined) {
      throw new UsageError("give --parallel");
    }
    const { manager } = await openConnection(caller, globals);
    // One that there is not is a mistake here, not a new one.
    await manager.queues.get(name);
    await manager.queues.set(name, { parallelism: parallel });
    return ExitCode.ok;
  },
});
