import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode } from "../../common/exit-codes.ts";
import { CommandError } from "../errors.ts";

/** How long the daemon may take to end once it has answered. */
const goneTimeoutMs = 15_000;
const pollMs = 10;

/** Resolves when the daemon has ended. Asks again and again: the kernel tells only parents of an end. */
export async function gone(own: NodeJS.Process, pid: number): Promise<void> {
  const deadline = Date.now() + goneTimeoutMs;
  while (exists(own, pid)) {
    if (Date.now() > deadline) {
      throw new CommandError(`the daemon (pid ${pid}) said that it would stop, and is still running`, {
        exitCode: ExitCode.timeout,
      });
    }
    await sleep(pollMs);
  }
}

function exists(own: NodeJS.Process, pid: number): boolean {
  try {
    own.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
