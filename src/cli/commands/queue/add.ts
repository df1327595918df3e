import { ExitCode } from "../../../common/exit-codes.ts";
import { wholeNumber } from "../../arguments/values.ts";
import { defineCommand, single } from "../../command.ts";
import { openConnection } from "../../connection.ts";

export const command = defineCommand({
  summary: "Make a queue",
  options: {
    parallel: single("NUMBER", wholeNumber(1), "How many run at a time (default: 1)", { short: "j", complete: "none" }),
  },
  operands: { usage: "QUEUE", min: 1, max: 1, complete: "none" },
  examples: [["pm queue add -j 2 encode", "then: pm start --queue encode -- ffmpeg …"]],
  async run({ options, operands: [name = ""], globals, caller }) {
    const { parallel } = options;

    const { manager } = await openConnection(caller, globals);
    await manager.queues.set(name, parallel === undefined ? {} : { parallelism: parallel });
    return ExitCode.ok;
  },
});
