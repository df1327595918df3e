import { ExitCode } from "../../common/exit-codes.ts";
import { toContractJson } from "../../sdk/index.ts";
import { actOn, errorJson, resultFormats } from "../bulk.ts";
import { defineCommand } from "../command.ts";
import { openConnection } from "../connection.ts";
import { outputOption } from "../output/format.ts";
import { exitText } from "../output/process-table.ts";
import { selectionHelp, selectionOf, selectionOperands, selectionOptions } from "../selection.ts";
import { stopOptions, stopRequest, survivorsText } from "../stop-options.ts";

export const command = defineCommand({
  summary: "Stop processes with everything that they started",
  description:
    "Sends a signal to the process group and waits for the whole tree to end, double-forked children too. What\n" +
    'does not end in time is reported, or killed with --force. Prints a line "ID EXIT" for each that has stopped: its\n' +
    `exit code, or the signal that ended it.\n\n${selectionHelp}`,
  options: { ...stopOptions, ...selectionOptions, output: outputOption(...resultFormats) },
  operands: selectionOperands,
  exitCodes: [["6", "something lives on; standard error says what"]],
  examples: [
    ["pm stop -t 30 --force api", "give it half a minute, then kill it"],
    ["pm stop -l tier=front 'web-*'", "those of these names that have the label"],
    ["pm stop -o json api | jq .process.run.exit", "how it ended"],
  ],
  async run({ options, operands, globals, caller }) {
    const selection = selectionOf(operands, options);
    const { manager } = await openConnection(caller, globals);
    const how = stopRequest(options);
    return actOn(
      selection,
      {
        doing: "stopping",
        one: async (ref) => about(await manager.processes.stop(ref, how)),
        async *many(selected) {
          for await (const result of manager.processes.stopAll(selected, how)) {
            yield about(result);
          }
        },
        text: ({ process, receipt }, label) =>
          // What had ended before is news only of a process that was named.
          receipt?.outcome === "alreadyStopped" && selection.refs.length === 0
            ? undefined
            : `${label} ${exitText(process.run) ?? "-"}`,
        failure: ({ receipt }, label) =>
          receipt?.outcome === "survived"
            ? { note: survivorsText(label, receipt, "stop"), exitCode: ExitCode.timeout }
            : undefined,
        json: ({ process, receipt, error }) => ({
          process: toContractJson(process),
          ...(receipt !== undefined && { receipt: toContractJson(receipt) }),
          ...(error !== undefined && { error: errorJson(error) }),
        }),
      },
      { caller, manager, format: options.output, debug: globals.debug },
    );
  },
});

function about<Result extends { readonly process: { readonly id: string; readonly name?: string } }>(
  result: Result,
): Result & { readonly id: string; readonly name: string | undefined } {
  const { id, name } = result.process;
  return { ...result, id, name };
}
