import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";

/**
 * The process id of the daemon that has a runtime directory, found without asking it. What `daemon.pid` says counts only
 * for a process that has the daemon's lock open: another one may have got that number since.
 */
export function holderOf(directory: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(join(directory, "daemon.pid"), "utf8"), 10);
    const lock = realpathSync(join(directory, "daemon.lock"));
    const files = `/proc/${pid}/fd`;
    return readdirSync(files).some((fd) => linkOf(join(files, fd)) === lock) ? pid : undefined;
  } catch {
    // There is no such file or process, or it is another user's.
    return undefined;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
