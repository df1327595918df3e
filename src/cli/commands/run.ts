import { ExitCode } from "../../common/exit-codes.ts";
import { PmError, type StartOptions } from "../../sdk/index.ts";
import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { CommandError } from "../errors.ts";
import { executionExitCode } from "../exit-status.ts";
import { Foreground } from "../foreground.ts";
import { startOptions, startProcess, startRequest } from "../start-options.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  summary: "Run a process in the foreground",
  description:
    "Starts it as 'pm start' does, writes its output (stdout and stderr) to standard output as it comes, and exits\n" +
    "as it does. No output is lost: a process whose reader is slow waits for it. Signals go to the process; the\n" +
    "second Ctrl-C kills its whole tree. If pm itself is killed, the process runs on: 'pm ls'.",
  options: {
    ...startOptions,
    rm: flag("Forget it with its output when it has ended"),
    detach: flag("Leave it in the background and print its id, as 'pm start' does", "d"),
  },
  operands: { usage: "COMMAND [ARG...]", min: 1, verbatim: true, complete: "command" },
  exitCodes: [
    ["0-255", "the process's own code, 128 and the number of the signal that ended it"],
    ["125", "pm failed, or could not write all of the output"],
    ["126", "COMMAND cannot be executed"],
    ["127", "COMMAND was not found"],
  ],
  examples: [
    ["pm run --rm -- make test", "like make test, and gone afterwards"],
    ["pm run -it --rm -- bash", "with a terminal of its own"],
    ["tar cf - . | pm run -i --rm -- tar tf - | wc -l", "between pipes, byte by byte"],
  ],
  exitCodeOf,
  async run({ options, operands, globals, caller }) {
    const connection = await openConnection(caller, globals);
    const asked = startRequest(options, operands, connection, caller);
    if (options.detach) {
      if (options.rm) {
        throw new UsageError("give either --detach or --rm: nobody is there to remove it when it has ended");
      }
      caller.print(`${(await startProcess(connection.manager, asked, options, caller)).id}\n`);
      return ExitCode.ok;
    }
    const request = heldBack(asked);
    const foreground = new Foreground(caller, {
      forwardInput: options.stdin || options.tty,
      terminal: options.tty,
      remove: options.rm,
    });
    const process = await startProcess(connection.manager, request, options, caller);
    return foreground.follow(process);
  },
});

/** A foreground command loses no output: a slow reader slows it, as in a shell's pipeline. */
function heldBack(request: StartOptions): StartOptions {
  return { ...request, output: { ...request.output, whenFull: "allowHold" } };
}

function exitCodeOf(error: unknown): number {
  const cause = error instanceof CommandError ? error.cause : error;
  return cause instanceof PmError && cause.reason === "START_FAILED" && cause.metadata["step"] === "exec"
    ? executionExitCode(cause.metadata["errno_name"])
    : ExitCode.runFailed;
}
