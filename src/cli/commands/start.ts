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
    "Over the local socket the process gets your directory, environment, umask, priority and resource limits, as a\n" +
    "background job of a shell would; over https it gets none of them. COMMAND is executed directly, without a shell. It and everything after\n" +
    "it is passed on as it is.",
  options: { ...startOptions, ...delayOptions, output: outputOption("id", "name", "json", "jsonl") },
  operands: { usage: "COMMAND [ARG...]", min: 1, verbatim: true, complete: "command" },
  examples: [
    ["id=$(pm start -- sh -c 'echo out; exit 7')", "start, and keep the id"],
    ["pm start -n api -C /srv/api -e PORT=8080 -- node server.js", "with a name, a directory and a variable"],
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
