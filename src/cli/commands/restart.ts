import { ExitCode } from "../../common/exit-codes.ts";
import { defineCommand } from "../command.ts";
import { openConnection } from "../connection.ts";
import { stopOptions, stopRequest } from "../stop-options.ts";
import { forEachTarget } from "../targets.ts";

export const command = defineCommand({
  summary: "Stop processes and start them again under the same id",
  description: "The output of the run before stays readable with 'pm logs --run'.",
  options: stopOptions,
  operands: { usage: "ID...", min: 1, complete: "process" },
  async run({ options, operands, globals, caller }) {
    const { call } = await openConnection(caller, globals);
    return forEachTarget(caller, operands, globals.debug, async (id) => {
      await call((manager) =>
        manager.processes.resolve(id).then((ref) => manager.processes.restart(ref, stopRequest(options))),
      );
      caller.print(`${id}\n`);
      return ExitCode.ok;
    });
  },
});
