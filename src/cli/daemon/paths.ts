import { dirname, join } from "node:path";
import { defaultSocketPath } from "../../sdk/index.ts";
import type { Caller } from "../caller.ts";

/** Where the daemon of this user keeps what it keeps. */
export function runtimeDirectory({ env }: Pick<Caller, "env">): string {
  return dirname(defaultSocketPath(env));
}

/** What a daemon that was started in the background writes to standard error. */
export function daemonLogPath(caller: Pick<Caller, "env">): string {
  return join(runtimeDirectory(caller), "daemon.log");
}

/** The daemon's program, which is beside the command line's entry. */
export function daemonProgram(own: NodeJS.Process): string {
  return join(dirname(own.argv[1] ?? ""), "daemon.mjs");
}
