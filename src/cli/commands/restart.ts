import { ExitCode } from "../../common/exit-codes.ts";
import { type BatchResult, PmError, type ProcessInfo, type RunInfo } from "../../sdk/index.ts";
import { type ActionResult, actOn, named, resultFormats, resultJson } from "../bulk.ts";
import { changeOptions, changeProcess, changesOf } from "../change.ts";
import { defineCommand } from "../command.ts";
import { openConnection } from "../connection.ts";
import { outputOption } from "../output/format.ts";
import { exitText } from "../output/process-table.ts";
import {
  livingStates,
  onlyReference,
  requestOptions,
  selectionHelp,
  selectionOf,
  selectionOperands,
  selectionOptions,
} from "../selection.ts";
import { startFailure } from "../start-options.ts";
import { stopOptions, stopRequest, survivorsText } from "../stop-options.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  summary: "Stop processes and start them again with the same id",
  description:
    "Prints a line \"ID EXIT\" for each: how the previous run ended. 'pm logs --run' still shows its output. Labels, patterns\n" +
    "and --all select only processes that have not ended. A COMMAND, or an option that changes how the process is run,\n" +
    `counts for this run and all later ones.\n\n${selectionHelp}`,
  options: {
    ...stopOptions,
    ...selectionOptions,
    ...requestOptions,
    ...changeOptions,
    output: outputOption(...resultFormats),
  },
  operands: { ...selectionOperands, tail: "COMMAND [ARG...]" },
  exitCodes: [["6", "something of the previous run is still running; standard error lists it"]],
  examples: [
    ["pm restart --force api", "kill what does not stop in time"],
    ["pm restart -e PORT=8081 api", "with another environment"],
    ["pm restart api -- sleep 3600", "with another command"],
    ["pm restart -l app=web", "all running ones with a label"],
  ],
  async run({ options, operands, tail = [], globals, caller }) {
    const selection = selectionOf(operands, options);
    const changes = changesOf(options, tail, caller);
    if (changes !== undefined && onlyReference(selection) === undefined) {
      throw new UsageError("COMMAND, and options that change how a process is run, are for one process: name one ID");
    }
    const { manager } = await openConnection(caller, globals);
    const how = stopRequest(options);
    return actOn<BatchResult & ActionResult>(
      selection,
      {
        doing: "restarting",
        states: livingStates,
        async one(ref, request) {
          const { id } = changes === undefined ? { id: ref } : await changeProcess(manager, ref, { spec: changes });
          try {
            return named({ id, process: await manager.processes.restart(id, { ...how, ...request }) });
          } catch (error) {
            if (error instanceof PmError && (error.reason === "STILL_RUNNING" || error.reason === "START_FAILED")) {
              return named({ id, process: await manager.processes.get(id), error });
            }
            throw error;
          }
        },
        async *many(selected, request) {
          for await (const result of manager.processes.restartAll(selected, { ...how, ...request })) {
            yield named(result);
          }
        },
        async text({ id, process }, label) {
          const runs = await manager.processes.runs(id).catch((error: unknown) => {
            if (error instanceof PmError && error.reason === "PROCESS_NOT_FOUND") {
              return []; // It was removed right after.
            }
            throw error;
          });
          return `${label} ${exitText(before(runs, process)) ?? "-"}`;
        },
        failure({ process, error }, label) {
          const receipt = process?.run?.stop;
          if (error?.reason === "STILL_RUNNING" && receipt?.outcome === "survived") {
            return { note: survivorsText(label, receipt, "restart"), exitCode: ExitCode.timeout };
          }
          return error?.reason === "START_FAILED" && process !== undefined
            ? { note: startFailure(error, label, process.spec), exitCode: ExitCode.failure }
            : undefined;
        },
        json: resultJson,
      },
      { caller, manager, format: options.output, debug: globals.debug, requestId: options["request-id"] },
    );
  },
});

function before(runs: readonly RunInfo[], process: ProcessInfo | undefined): RunInfo | undefined {
  const current = process?.run?.number;
  return runs.find(({ number }) => current !== undefined && number < current);
}
