import { dirname, join } from "node:path";
import { defaultSocketPath } from "../../sdk/index.ts";

/** Where the daemon of this user keeps what it keeps. */
export function runtimeDirectory(): string {
  return dirname(defaultSocketPath());
}

/** What a daemon that was started in the background writes to standard error. */
export function daemonLogPath(): string {
  return join(runtimeDirectory(), "daemon.log");
}

/** The daemon's program, which is beside the command line's entry. */
export function daemonProgram(): string {
  return join(dirname(process.argv[1] ?? ""), "daemon.mjs");
}
