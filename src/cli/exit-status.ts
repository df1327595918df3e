import { ExitCode } from "../common/exit-codes.ts";
import type { ExitStatus, ProcessInfo, RunInfo } from "../sdk/index.ts";
import type { Caller } from "./caller.ts";

/** What a shell would exit with for a process that ended so. */
export function shellExitCode(exit: ExitStatus): number {
  return exit.code ?? ExitCode.signalBase + (exit.signal ?? 0);
}

/** The exit code for an ended run; says why on standard error if the run itself has none. */
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
  return ExitCode.failure;
}
