import { ExitCode } from "../common/exit-codes.ts";
import type { ExitStatus, ProcessInfo, RunInfo } from "../sdk/index.ts";
import type { Caller } from "./caller.ts";

/** What a shell would exit with for a process that ended so. */
export function shellExitCode(exit: ExitStatus): number {
  return exit.code ?? ExitCode.signalBase + (exit.signal ?? 0);
}

/**
 * The exit code for an ended run. If the run itself has none, that is pm's failure: what happened is told on standard
 * error, and the code is 125, or the shell's for a program that could not be executed.
 */
export function exitCodeOfRun(
  caller: Caller,
  { id, name = id }: ProcessInfo,
  { exit, failure }: Pick<RunInfo, "exit" | "failure"> = {},
): number {
  if (exit !== undefined) {
    return shellExitCode(exit);
  }
  caller.note(
    failure === undefined
      ? `pm: how "${name}" ended is not known: its supervisor was killed\n`
      : `pm: "${name}" never ran: ${failure.message}\n`,
  );
  return failure?.step === "exec" ? executionExitCode(failure.errnoName) : ExitCode.runFailed;
}

/** 127 and 126 as shells have them; whatever else goes wrong is pm's. */
export function executionExitCode(errnoName: string | undefined): number {
  switch (errnoName) {
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
    default:
      return ExitCode.runFailed;
  }
}
