import { ExitCode } from "../../../common/exit-codes.ts";
import { toContractJson } from "../../../sdk/index.ts";
import { wholeNumber } from "../../arguments/values.ts";
import { defineCommand, single } from "../../command.ts";
import { openConnection } from "../../connection.ts";
import { outputOption } from "../../output/format.ts";
import { changeFormats, printChanged } from "../../output/results.ts";

export const command = defineCommand({
  summary: "Add a queue, or change one",
  description: "A queue limits how many of its processes run at a time; the others wait in the order of their start.",
  options: {
    parallel: single("NUMBER", wholeNumber(1), "How many run at a time (default: 1)", { short: "j", complete: "none" }),
    output: outputOption(...changeFormats),
  },
  operands: { usage: "QUEUE", min: 1, max: 1, complete: "none" },
  examples: [["pm queue add -j 2 encode && pm start -q encode -- ffmpeg -i a.mov a.mp4", "two at a time"]],
  async run({ options, operands: [name = ""], globals, caller }) {
    const { parallel } = options;
    const { manager } = await openConnection(caller, globals);
    const queue = await manager.queues.set(name, parallel === undefined ? {} : { parallelism: parallel });
    printChanged(caller, options.output, name, toContractJson(queue));
    return ExitCode.ok;
  },
});
