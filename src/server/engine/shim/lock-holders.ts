import { readdirSync, readlinkSync, realpathSync } from "node:fs";
import { allPids, procStat } from "./proc-stat.ts";

/** A zygote, or a shim that has not published its ring yet. */
export interface LockHolder {
  readonly pid: number;
  /** Somebody stopped it (SIGSTOP). */
  readonly stopped: boolean;
}

const commands: ReadonlySet<string> = new Set(["pm-zygote", "pm-shim"]);

/** Who has a zygote lock open: it holds it, or waits for it. */
export function lockHolders(lockPath: string): LockHolder[] {
  let lock: string;
  try {
    lock = realpathSync(lockPath);
  } catch {
    // Nobody has made it yet.
    return [];
  }
  return allPids()
    .map(procStat)
    .filter((stat) => stat !== null && commands.has(stat.command) && hasOpen(stat.pid, lock))
    .map((stat) => ({ pid: stat?.pid ?? 0, stopped: stat?.state === "T" }));
}

function hasOpen(pid: number, path: string): boolean {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).some((fd) => readlinkSync(`${directory}/${fd}`) === path);
  } catch {
    // Somebody else's, or it has ended.
    return false;
  }
}
