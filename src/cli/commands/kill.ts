import { ExitCode } from "../../common/exit-codes.ts";
import { choice } from "../arguments/values.ts";
import { defineCommand, single, text } from "../command.ts";
import { openConnection } from "../connection.ts";
import { signalNames } from "../signals.ts";
import { forEachTarget } from "../targets.ts";

export const command = defineCommand({
  summary: "Send a signal to processes",
  description: "Returns when the signal was sent. To end a process and be sure of it, use 'pm stop --force'.",
  options: {
    signal: text("SIGNAL", "What to send: HUP, SIGHUP or SIGRTMIN+3 (default: SIGKILL)", {
      short: "s",
      complete: signalNames,
    }),
    target: single(
      "WHAT",
      choice("group", "main", "tree"),
      "Where to: the process group (default), the main process, or the whole tree",
      { complete: ["group", "main", "tree"] },
    ),
  },
  operands: { usage: "ID...", min: 1, complete: "process" },
  examples: [["pm kill -s HUP api", "make it read its configuration again"]],
  async run({ options, operands, globals, caller }) {
    const { call } = await openConnection(caller, globals);
    return forEachTarget(caller, operands, globals.debug, async (id) => {
      await call((manager) =>
        manager.processes
          .resolve(id)
          .then((ref) =>
            manager.processes.signal(ref, options.signal ?? "SIGKILL", { target: options.target ?? "group" }),
          ),
      );
      caller.print(`${id}\n`);
      return ExitCode.ok;
    });
  },
});
