import { PmError } from "../../sdk/index.ts";
import { choice, duration } from "../arguments/values.ts";
import { endsCommand } from "../caller.ts";
import { defineCommand, single } from "../command.ts";
import { openConnection } from "../connection.ts";
import { CommandError, exitCodeOf, formatError } from "../errors.ts";
import { ExitCode } from "../exit-code.ts";
import { exitCodeOfRun } from "../exit-status.ts";
import { exitText } from "../output/process-table.ts";
import { formatTimeout } from "../output/units.ts";
import { isStateCondition, stateConditions, waitForState } from "../wait-state.ts";

export const command = defineCommand({
  summary: "Wait for processes to end and exit as they did",
  description:
    'With several processes it waits for all of them and prints a line "ID EXIT" as each ends; the exit code is\n' +
    "that of the last ID that did not end with 0.",
  options: {
    timeout: single("DURATION", duration, "Give up after this long (default: never)", { short: "t", complete: "none" }),
    for: single(
      "WHAT",
      choice("exit", "output", "tree", ...stateConditions),
      "Until the main process ended (exit, default), its output is complete too (output), or its whole tree is gone\n(tree); or it is ready or healthy; or stopped: ended, and not to run again",
      { complete: ["exit", "output", "tree", ...stateConditions] },
    ),
  },
  operands: { usage: "ID...", min: 1, complete: "process" },
  exitCodes: [
    ["0-255", "the process's own code, 128 and the number of the signal that ended it"],
    ["6", "not ended in time"],
  ],
  async run({ options, operands, globals, caller }) {
    if (operands.length > 1) {
      // It outlives the daemon, also after the first line.
      caller.ownProcess();
    }
    const { call } = await openConnection(caller, globals);
    const state = options.for;
    if (isStateCondition(state)) {
      await Promise.all(
        operands.map((id) =>
          call(async (manager) =>
            waitForState(manager, await manager.processes.resolve(id), state, options.timeout),
          ).catch((error: unknown) => {
            throw timeoutError(error, id, options) ?? error;
          }),
        ),
      );
      return ExitCode.ok;
    }
    const until = ({ exit: "exited", output: "outputComplete", tree: "treeGone" } as const)[state ?? "exit"];
    const codes = await Promise.all(
      operands.map(async (id) => {
        try {
          const { process: info, run } = await call(async (manager) =>
            manager.processes.wait(await manager.processes.resolve(id), {
              until,
              ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
            }),
          );
          if (operands.length > 1) {
            caller.print(`${id} ${exitText(run) ?? "-"}\n`);
          }
          return exitCodeOfRun(caller, info, run);
        } catch (error) {
          if (endsCommand(error)) {
            throw error;
          }
          const told = timeoutError(error, id, options) ?? error;
          caller.note(formatError(told, globals.debug));
          return exitCodeOf(told);
        }
      }),
    );
    return codes.findLast((code) => code !== 0) ?? 0;
  },
});

const unmet = {
  exit: "did not end",
  output: "did not complete its output",
  tree: "did not end with everything that it started",
  ready: "was not ready",
  healthy: "was not healthy",
  stopped: "did not stop",
} as const;

/** The time that was given is over, whoever noticed first: who was waited for, and for what. */
function timeoutError(
  error: unknown,
  id: string,
  {
    timeout,
    for: what = "exit",
  }: { readonly timeout: number | undefined; readonly for: keyof typeof unmet | undefined },
): CommandError | undefined {
  if (timeout === undefined || !(error instanceof PmError) || error.reason !== "TIMEOUT") {
    return undefined;
  }
  return new CommandError(`"${id}" ${unmet[what]} within ${formatTimeout(timeout)}`, {
    exitCode: ExitCode.timeout,
    cause: error,
  });
}
