import { existsSync } from "node:fs";
import { daemonNodeFlags } from "../../common/daemon-heap.ts";
import type { Caller } from "../caller.ts";
import { CommandError } from "../errors.ts";
import { daemonProgram } from "./paths.ts";

/**
 * Replaces this process by the daemon's program.
 *
 * @throws CommandError if that is not possible
 */
export function becomeDaemon(caller: Caller, args: readonly string[]): never {
  const own = caller.ownProcess();
  const program = daemonProgram(own);
  if (!existsSync(program)) {
    throw new CommandError(`${program} is missing`, { hint: "build it: npm run build" });
  }
  // No descriptor above 2 survives what follows (Node.js closes them on exec), so the daemon would take one of its own
  // for this one. Who starts it so is told by NOTIFY_SOCKET.
  delete own.env["PM_READY_FD"];
  const { execve } = own;
  if (execve === undefined) {
    throw new CommandError("this Node.js cannot replace itself by another program");
  }
  execve.call(own, own.execPath, [own.execPath, ...daemonNodeFlags, program, ...args]);
  throw new CommandError("cannot become the daemon");
}
