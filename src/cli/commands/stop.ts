import { ExitCode } from "../../common/exit-codes.ts";
import { type StopAllResult, toContractJson } from "../../sdk/index.ts";
import { actOn, named, resultFormats, resultJson } from "../bulk.ts";
import { defineCommand } from "../command.ts";
import { openConnection } from "../connection.ts";
import { outputOption } from "../output/format.ts";
import { exitText } from "../output/process-table.ts";
import { requestOptions, selectionHelp, selectionOf, selectionOperands, selectionOptions } from "../selection.ts";
import { stopOptions, stopRequest, survivorsText } from "../stop-options.ts";

export const command = defineCommand({
  summary: "Stop processes and everything that they started",
  description:
    "Sends a signal to the process group and waits for the whole process tree to end, also for children that detached\n" +
    'themselves. What does not end in time is listed, or killed with --force. Prints a line "ID EXIT" for each process\n' +
    `that has stopped: its exit code, or the signal that ended it.\n\n${selectionHelp}`,
  options: { ...stopOptions, ...selectionOptions, ...requestOptions, output: outputOption(...resultFormats) },
  operands: selectionOperands,
  exitCodes: [["6", "something is still running; standard error lists it"]],
  examples: [
    ["pm stop -t 30 --force api", "give it half a minute, then kill it"],
    ["pm stop -l tier=front 'web-*'", "those with such a name and this label"],
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
        one: async (ref, request) => {
          const result = await manager.processes.stop(ref, { ...how, ...request });
          return named<StopAllResult>({ id: result.process.id, ...result });
        },
        async *many(selected, request) {
          for await (const result of manager.processes.stopAll(selected, { ...how, ...request })) {
            yield named(result);
          }
        },
        text: ({ process, receipt }, label) =>
          // What had ended before is news only of a process that was named.
          receipt?.outcome === "alreadyStopped" && selection.refs.length === 0
            ? undefined
            : `${label} ${exitText(process?.run) ?? "-"}`,
        failure: ({ receipt }, label) =>
          receipt?.outcome === "survived"
            ? { note: survivorsText(label, receipt, "stop"), exitCode: ExitCode.timeout }
            : undefined,
        json: ({ receipt, ...result }) => ({
          ...resultJson(result),
          ...(receipt !== undefined && { receipt: toContractJson(receipt) }),
        }),
      },
      { caller, manager, format: options.output, debug: globals.debug, requestId: options["request-id"] },
    );
  },
});
