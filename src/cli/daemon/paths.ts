import { dirname, join } from "node:path";
import { runtimeDirectory } from "../../common/paths.ts";
import type { Caller } from "../caller.ts";

/** What a daemon that was started in the background writes to standard error. */
export function daemonLogPath({ env }: Pick<Caller, "env">): string {
  return join(runtimeDirectory(env), "daemon.log");
}

/** The daemon's program, which is beside the command line's entry. */
export function daemonProgram(own: NodeJS.Process): string {
  return join(dirname(own.argv[1] ?? ""), "daemon.mjs");
}
