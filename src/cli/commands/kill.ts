import { ExitCode } from "../../common/exit-codes.ts";
import { allSignals } from "../../common/signals.ts";
import { PmError } from "../../sdk/index.ts";
import { choice, signal } from "../arguments/values.ts";
import { actOn, named, resultFormats, resultJson } from "../bulk.ts";
import { defineCommand, flag, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { outputOption } from "../output/format.ts";
import { exitText } from "../output/process-table.ts";
import {
  livingStates,
  requestOptions,
  selectionHelp,
  selectionOf,
  selectionOperands,
  selectionOptions,
} from "../selection.ts";
import { signalNames } from "../signals.ts";

/** Milliseconds that a killed process takes at most, unless it is in an uninterruptible sleep. */
const dyingMs = 5000;

export const command = defineCommand({
  summary: "Send a signal to processes",
  description:
    'Prints the ID of each process once the signal is sent; for SIGKILL, the default, a line "ID EXIT" once it has ended.\n' +
    `To make sure that a process ends with everything that it started, use 'pm stop --force'.\n\n${selectionHelp}`,
  options: {
    signal: single(
      "SIGNAL",
      signal,
      "The signal: HUP, SIGHUP, 1 or SIGRTMIN+3; -HUP and -1 for short (default: KILL)",
      {
        short: "s",
        complete: signalNames,
      },
    ),
    target: single(
      "WHAT",
      choice("group", "main", "tree"),
      "Send it to the process group (default), the main process, or the whole tree",
      { complete: ["group", "main", "tree"] },
    ),
    ...selectionOptions,
    ...requestOptions,
    list: flag("List the signals; -l alone for short"),
    output: outputOption(...resultFormats),
  },
  operands: selectionOperands,
  examples: [
    ["pm kill -HUP api", "make it read its configuration again"],
    ["pm kill -9 api", "end it at once"],
    ["pm kill -s USR1 -l tier=front", "all with a label"],
    ["pm kill -l", "list the signals"],
  ],
  rewrite: asShellsDo,
  async run({ options, operands, globals, caller }) {
    if (options.list) {
      caller.print([...allSignals()].map(([number, name]) => `${String(number).padStart(2)} ${name}\n`).join(""));
      return ExitCode.ok;
    }
    const selection = selectionOf(operands, options);
    const { manager } = await openConnection(caller, globals);
    const name = options.signal ?? "SIGKILL";
    const how = { target: options.target ?? "group" };
    return actOn(
      selection,
      {
        doing: "sending a signal",
        states: livingStates,
        one: async (ref, request) => {
          const process = await manager.processes.signal(ref, name, { ...how, ...request });
          return named({ id: process.id, process });
        },
        async *many(selected, request) {
          for await (const result of manager.processes.signalAll(selected, name, { ...how, ...request })) {
            yield named(result);
          }
        },
        async text({ id, process }, label) {
          if (name !== "SIGKILL") {
            return label;
          }
          const run = process?.run;
          const ended = await manager.processes
            .wait(id, { timeoutMs: dyingMs, ...(run !== undefined && { run: run.number }) })
            .catch((error: unknown) => {
              if (error instanceof PmError && (error.reason === "TIMEOUT" || error.reason === "PROCESS_NOT_FOUND")) {
                return undefined;
              }
              throw error;
            });
          return `${label} ${exitText(ended?.run) ?? "-"}`;
        },
        json: resultJson,
      },
      { caller, manager, format: options.output, debug: globals.debug, requestId: options["request-id"] },
    );
  },
});

/** "-9" and "-HUP" name the signal, and "-l" with nothing behind it lists all, as with kill(1). */
function asShellsDo(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return args.map((arg, index) => {
    if (end >= 0 && index > end) {
      return arg;
    }
    if (arg === "-l" && index === args.length - 1) {
      return "--list";
    }
    const isNumber = /^-\d+$/.test(arg);
    // No option is an upper-case letter: what is no signal is told to be none.
    const isName = /^-[A-Z][A-Z0-9+-]*$/.test(arg);
    return isNumber || isName ? `--signal=${arg.slice(1)}` : arg;
  });
}
