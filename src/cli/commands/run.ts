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
    "Starts it as 'pm start' does, writes its output (stdout and stderr) to standard output, and exits with its exit code.\n" +
    "No output is lost: if the reader is slow, the process waits. Signals are passed on to the process; a second Ctrl-C\n" +
    "kills the process tree. If pm itself is killed, the process keeps running.",
  options: {
    ...startOptions,
    rm: flag("Remove it and its output when it has ended"),
    detach: flag("Run it in the background and print its id, like 'pm start'", "d"),
  },
  operands: { usage: "COMMAND [ARG...]", min: 1, verbatim: true, complete: "command" },
  exitCodes: [
    ["0-255", "the exit code of the process, or 128 plus the number of the signal that ended it"],
    ["125", "pm failed, or could not write all of the output"],
    ["126", "COMMAND cannot be executed"],
    ["127", "COMMAND was not found"],
  ],
  examples: [
    ["pm run --rm -- make test", "like make test; nothing is left afterwards"],
    ["pm run -it --rm -- bash", "with a terminal of its own"],
    ["tar cf - . | pm run -i --rm -- tar tf - | wc -l", "in a pipeline, byte for byte"],
  ],
  exitCodeOf,
  async run({ options, operands, globals, caller }) {
    const connection = await openConnection(caller, globals);
    const asked = startRequest(options, operands, connection, caller);
    if (options.detach) {
      if (options.rm) {
        throw new UsageError(
          "give either --detach or --rm: in the background, nobody is there to remove it ('pm prune' does)",
        );
      }
      caller.print(`${(await startProcess(connection.manager, asked, options, caller)).id}\n`);
      return ExitCode.ok;
    }
    const request = heldBack(asked);
    const foreground = new Foreground(caller, connection.manager, {
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
