import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode } from "../../../common/exit-codes.ts";
import { duration } from "../../arguments/values.ts";
import { defineCommand, flag, single } from "../../command.ts";
import { isUnreachable, openConnection } from "../../connection.ts";
import { CommandError } from "../../errors.ts";

/** How long the daemon may take to end once it has answered. */
const goneTimeoutMs = 15_000;
const pollMs = 10;

export const command = defineCommand({
  summary: "Stop the daemon; processes run on",
  description: "The next daemon finds the processes again, with all their output.",
  options: {
    "stop-processes": flag("Stop every process first, by force after its stop timeout"),
    timeout: single("SECONDS", duration, "With --stop-processes: how long each has (default: its own stop timeout)", {
      short: "t",
      complete: "none",
    }),
  },
  async run({ options, globals, caller }) {
    const { manager, local } = await openConnection(caller, globals, { autoStart: false });
    let pid: number;
    let running: number;
    try {
      ({ pid } = await manager.daemon.info());
      running = await manager.daemon.shutdown({
        stopProcesses: options["stop-processes"],
        ...(options.timeout === undefined ? {} : { graceMs: options.timeout }),
      });
    } catch (error) {
      if (isUnreachable(error)) {
        caller.note("pm: no daemon runs\n");
        return ExitCode.ok;
      }
      throw error;
    }
    if (local) {
      await gone(caller.ownProcess(), pid);
    }
    caller.note(
      `pm: stopped the daemon (pid ${pid})${running === 0 ? "" : `; ${running === 1 ? "1 process runs" : `${running} processes run`} on`}\n`,
    );
    return ExitCode.ok;
  },
});

/** Asks again and again: the kernel tells only parents of an end. */
async function gone(own: NodeJS.Process, pid: number): Promise<void> {
  const deadline = Date.now() + goneTimeoutMs;
  while (exists(own, pid)) {
    if (Date.now() > deadline) {
      throw new CommandError(`the daemon (pid ${pid}) said that it stops, and still runs`, {
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
