import { ExitCode } from "../../common/exit-codes.ts";
import { toContractJson } from "../../sdk/index.ts";
import { defineCommand } from "../command.ts";
import { openConnection } from "../connection.ts";
import { displayName, outputOption, prettyJson } from "../output/format.ts";
import { startError, startOptions, startRequest } from "../start-options.ts";

export const command = defineCommand({
  summary: "Start a process in the background and print its id",
  description:
    "Over the local socket the process gets your directory and your environment, as a background job of a shell\n" +
    "would; over https it gets neither. COMMAND is executed directly, without a shell. It and everything after\n" +
    "it is passed on as it is.",
  options: { ...startOptions, output: outputOption("id", "name", "json") },
  operands: { usage: "COMMAND [ARG...]", min: 1, verbatim: true, complete: "command" },
  examples: [
    ["id=$(pm start -- sh -c 'echo out; exit 7')", "start, and keep the id"],
    ["pm start -n api -C /srv/api -e PORT=8080 -- node server.js", "with a name, a directory and a variable"],
  ],
  async run({ options, operands, globals, caller }) {
    const connection = await openConnection(caller, globals);
    const request = startRequest(options, operands, connection, caller);
    const process = await connection
      .call((manager) => manager.processes.start(request))
      .catch((error: unknown) => {
        throw startError(error, request);
      });
    if (options.output === "json") {
      caller.print(prettyJson(toContractJson(process.info)));
    } else {
      caller.print(`${options.output === "name" ? displayName(process.info) : process.id}\n`);
    }
    return ExitCode.ok;
  },
});
