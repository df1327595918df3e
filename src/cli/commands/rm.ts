import { ExitCode } from "../../common/exit-codes.ts";
import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { forEachTarget } from "../targets.ts";

export const command = defineCommand({
  summary: "Forget ended processes and free their output",
  options: { force: flag("Kill the whole tree first if it lives", "f") },
  operands: { usage: "ID...", min: 1, complete: "process" },
  async run({ options, operands, globals, caller }) {
    const { call } = await openConnection(caller, globals);
    return forEachTarget(caller, operands, globals.debug, async (id) => {
      await call((manager) =>
        manager.processes.resolve(id).then((ref) => manager.processes.remove(ref, { force: options.force })),
      );
      caller.print(`${id}\n`);
      return ExitCode.ok;
    });
  },
});
