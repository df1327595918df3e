import { readFileSync } from "node:fs";

/**
 * The soft limit of open files (RLIMIT_NOFILE) that whoever called `pm` lives
 * under: Node.js has raised its own to the hard one, and processes shall not
 * inherit that. Programs that use select(2), or close every descriptor up to
 * the limit, suffer from a high one.
 *
 * @returns undefined where it cannot be known, or is unlimited
 */
export function openFilesOfCaller(own: NodeJS.Process): bigint | undefined {
  try {
    const limits = readFileSync(`/proc/${own.ppid}/limits`, "latin1");
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : BigInt(soft);
  } catch {
    return undefined;
  }
}
