import { ExitCode } from "../../../common/exit-codes.ts";
import { toContractJson } from "../../../sdk/index.ts";
import { wholeNumber } from "../../arguments/values.ts";
import { defineCommand, single } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { outputOption } from "../../output/format.ts";
import { changeFormats, printChanged } from "../../output/results.ts";
import { UsageError } from "../../usage-error.ts";
import { changeExisting } from "./change.ts";

export const command = defineCommand({
  summary: "Change how many processes run at a time in a queue",
  description: "With a smaller number, what runs goes on; the next begins once there is room.",
  options: {
    parallel: single("NUMBER", wholeNumber(1), "How many run at a time", { short: "j", complete: "none" }),
    output: outputOption(...changeFormats),
  },
  operands: { usage: "QUEUE", min: 1, max: 1, complete: "none" },
  examples: [["pm queue set -j 4 encode", "four at a time from now on"]],
  async run({ options, operands: [name = ""], globals, caller }) {
    const { parallel } = options;
    if (parallel === undefined) {
      throw new UsageError("--parallel is missing", `for example: pm queue set -j 4 ${name}`);
    }
    const { manager } = await openConnection(caller, globals);
    const queue = await changeExisting(manager.queues, name, { parallelism: parallel });
    printChanged(caller, options.output, name, toContractJson(queue));
    return ExitCode.ok;
  },
});
