import { ExitCode } from "../../common/exit-codes.ts";
import { type Process, type ProcessManager, type Timing, toContractJson } from "../../sdk/index.ts";
import { defineCommand } from "../command.ts";
import { openConnection } from "../connection.ts";
import { displayName, jsonLine, outputOption, prettyJson } from "../output/format.ts";
import { delayOf, delayOptions } from "../policy-options.ts";
import { startOptions, startProcess, startRequest } from "../start-options.ts";

export const command = defineCommand({
  summary: "Start a process in the background and print its id",
  description:
    "On this machine the process inherits your directory, environment, umask, nice value and resource limits, like a\n" +
    "background job of a shell; on another machine it inherits none of them. COMMAND is executed without a shell, with the\n" +
    "arguments that follow it.",
  options: { ...startOptions, ...delayOptions, output: outputOption("id", "name", "json", "jsonl") },
  operands: { usage: "COMMAND [ARG...]", min: 1, verbatim: true, complete: "command" },
  examples: [
    ["id=$(pm start -- sh -c 'echo out; exit 7')", "start it, and keep the id"],
    ["pm start -n api -C /srv/api -e PORT=8080 -- node server.js", "with a name, a directory and a variable"],
    ["pm start -n worker --restart on-failure:5 -- ./worker", "start it again when it fails, five times"],
    ["pm start --in 10m -- ./cleanup", "in ten minutes"],
  ],
  async run({ options, operands, globals, caller }) {
    const connection = await openConnection(caller, globals);
    const request = startRequest(options, operands, connection, caller);
    const timing = delayOf(options);
    const process =
      timing === undefined
        ? await startProcess(connection.manager, request, options, caller)
        : await startLater(connection.manager, request, timing);
    if (options.output === "json") {
      caller.print(prettyJson(toContractJson(process.info)));
    } else if (options.output === "jsonl") {
      caller.print(jsonLine(toContractJson(process.info)));
    } else {
      caller.print(`${options.output === "name" ? displayName(process.info) : process.id}\n`);
    }
    return ExitCode.ok;
  },
});

/** By a schedule that is due once, and is gone when the run has begun. */
async function startLater(
  manager: ProcessManager,
  request: ReturnType<typeof startRequest>,
  timing: Timing,
): Promise<Process> {
  const later = await manager.schedules.set(`start-${request.id}`, { timing, template: request });
  return manager.processes.handle(later.process.id);
}
