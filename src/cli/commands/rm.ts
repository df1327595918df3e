import { escapeText } from "../../common/escape.ts";
import { ExitCode } from "../../common/exit-codes.ts";
import { PmError, type RemoveAllResult } from "../../sdk/index.ts";
import { actOn, errorJson, resultFormats } from "../bulk.ts";
import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { exitCodeOf } from "../errors.ts";
import { outputOption } from "../output/format.ts";
import { requestOptions, selectionHelp, selectionOf, selectionOperands, selectionOptions } from "../selection.ts";

export const command = defineCommand({
  summary: "Remove ended processes and free their output",
  description: `Prints the ID of each. Without an ID, as xargs may call it, nothing is removed; that is no failure.\n\n${selectionHelp}`,
  options: {
    force: flag("Kill the process tree first if it is running", "f"),
    ...selectionOptions,
    ...requestOptions,
    output: outputOption(...resultFormats),
  },
  operands: selectionOperands,
  exitCodes: [["5", "it is running, and --force was not given"]],
  examples: [
    ["pm rm -l app=web", "all with a label"],
    ["pm rm -f api", "kill it first if it is running"],
    ["pm ls -aq -l app=web | xargs pm rm", "what another command lists; it may be nothing"],
  ],
  async run({ options, operands, globals, caller }) {
    if (operands.length === 0 && options.selector === undefined && !options.all && !caller.terminal.stdin) {
      // An empty list of a script is removed with ease; somebody at a terminal forgot something.
      caller.note("pm: no process is named: nothing to remove\n");
      return ExitCode.ok;
    }
    const selection = selectionOf(operands, options);
    const { manager } = await openConnection(caller, globals);
    const how = { force: options.force };
    return actOn(
      selection,
      {
        doing: "removing",
        one: async (ref, request): Promise<RemoveAllResult> => {
          try {
            return { id: await manager.processes.remove(ref, { ...how, ...request }) };
          } catch (error) {
            if (error instanceof PmError && error.reason === "STILL_RUNNING") {
              return { id: ref, error };
            }
            throw error;
          }
        },
        many: (selected, request) => manager.processes.removeAll(selected, { ...how, ...request }),
        text: (_result, label) => label,
        failure: ({ error }, label) =>
          error?.reason === "STILL_RUNNING"
            ? {
                note: `pm: ${escapeText(error.message)}\nhint: 'pm rm --force ${escapeText(label)}' kills it first\n`,
                exitCode: exitCodeOf(error),
              }
            : undefined,
        json: ({ id, name, error }) => ({
          id,
          ...(name && { name }),
          ...(error !== undefined && { error: errorJson(error) }),
        }),
      },
      { caller, manager, format: options.output, debug: globals.debug, requestId: options["request-id"] },
    );
  },
});
