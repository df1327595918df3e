import { ExitCode } from "../../common/exit-codes.ts";
import { defineCommand } from "../command.ts";
import { openConnection } from "../connection.ts";
import { stopOptions, stopRequest, survivorsText } from "../stop-options.ts";
import { forEachTarget } from "../targets.ts";

export const command = defineCommand({
  summary: "Stop processes with everything that they started",
  description:
    "Sends a signal to the process group and waits for the whole tree to end, double-forked children too. What\n" +
    "does not end in time is reported, or killed with --force.",
  options: stopOptions,
  operands: { usage: "ID...", min: 1, complete: "process" },
  exitCodes: [["6", "something lives on; standard error says what"]],
  examples: [["pm stop -t 30 --force api", "give it half a minute, then kill it"]],
  async run({ options, operands, globals, caller }) {
    const { call } = await openConnection(caller, globals);
    return forEachTarget(caller, operands, globals.debug, async (id) => {
      const result = await call((manager) =>
        manager.processes.resolve(id).then((ref) => manager.processes.stop(ref, stopRequest(options))),
      );
      if (result.receipt.outcome === "survived") {
        caller.note(survivorsText(id, result));
        return ExitCode.timeout;
      }
      caller.print(`${id}\n`);
      return ExitCode.ok;
    });
  },
});
