import { ExitCode } from "../../common/exit-codes.ts";
import { PmError, type StartOptions } from "../../sdk/index.ts";
import { defineCommand, flag } from "../command.ts";
import { openConnection } from "../connection.ts";
import { CommandError } from "../errors.ts";
import { Foreground } from "../foreground.ts";
import { startError, startOptions, startRequest } from "../start-options.ts";

export const command = defineCommand({
  summary: "Run a process in the foreground",
  description:
    "Starts it as 'pm start' does, writes its output (stdout and stderr) to standard output as it comes, and exits\n" +
    "as it does. No output is lost: a process whose reader is slow waits for it. Signals go to the process; the\n" +
    "second Ctrl-C kills its whole tree. If pm itself is killed, the process runs on: 'pm ls'.",
  options: { ...startOptions, rm: flag("Forget it with its output when it has ended") },
  operands: { usage: "COMMAND [ARG...]", min: 1, verbatim: true, complete: "command" },
  exitCodes: [
    ["0-255", "the process's own code, 128 and the number of the signal that ended it"],
    ["125", "pm failed, or could not write all of the output"],
    ["126", "COMMAND cannot be executed"],
    ["127", "COMMAND was not found"],
  ],
  examples: [["pm run --rm -- make test", "like make test, and gone afterwards"]],
  exitCodeOf,
  async run({ options, operands, globals, caller }) {
    const connection = await openConnection(caller, globals);
    const request = heldBack(startRequest(options, operands, connection, caller));
    const foreground = new Foreground(caller, {
      forwardInput: options.stdin || options.tty,
      terminal: options.tty,
      remove: options.rm,
    });
    const process = await connection
      .call((manager) => manager.processes.start(request))
      .catch((error: unknown) => {
        throw startError(error, request);
      });
    return foreground.follow(process);
  },
});

/** A foreground command loses no output: a slow reader slows it, as in a shell's pipeline. */
function heldBack(request: StartOptions): StartOptions {
  return { ...request, output: { ...request.output, whenFull: "allowHold" } };
}

/** 127 and 126 as shells have them; whatever else goes wrong is pm's. */
function exitCodeOf(error: unknown): number {
  const cause = error instanceof CommandError ? error.cause : error;
  if (cause instanceof PmError && cause.reason === "START_FAILED" && cause.metadata["step"] === "exec") {
    switch (cause.metadata["errno_name"]) {
      case "ENOENT":
        return ExitCode.commandNotFound;
      case "EACCES":
      case "ENOEXEC":
      case "EISDIR":
      case "EPERM":
      case "ETXTBSY":
      case "ENOTDIR":
      case "ELOOP":
      case "ELIBBAD":
        return ExitCode.notExecutable;
    }
  }
  return ExitCode.runFailed;
}
