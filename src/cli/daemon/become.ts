import { existsSync } from "node:fs";
import { CommandError } from "../errors.ts";
import { daemonProgram } from "./paths.ts";

/**
 * Replaces this process by the daemon's program.
 *
 * @throws CommandError if that is not possible
 */
export function becomeDaemon(args: readonly string[]): never {
  const program = daemonProgram();
  if (!existsSync(program)) {
    throw new CommandError(`${program} is missing`, { hint: "build it: npm run build" });
  }
  const { execve } = process;
  if (execve === undefined) {
    throw new CommandError("this Node.js cannot replace itself by another program");
  }
  execve.call(process, process.execPath, [process.execPath, program, ...args]);
  throw new CommandError("cannot become the daemon");
}
