import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";

/**
 * Takes the daemon's lock. flock(2) belongs to the open file description, so
 * the lock that `pm-shim lock` takes on the inherited descriptor stays with
 * this process until it closes the descriptor or dies.
 *
 * @returns the descriptor to keep open, or null if another daemon holds it.
 * @throws Error if the file cannot be opened or locked.
 */
export async function acquireDaemonLock(path: string, shimPath: string): Promise<number | null> {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  let keep = false;
  try {
    const child = spawn(shimPath, ["lock"], { stdio: ["ignore", "ignore", "ignore", fd], env: {} });
    const [code] = await once(child, "exit");
    if (code === 0) {
      keep = true;
      return fd;
    }
    if (code === 1) {
      return null;
    }
    throw new Error(`cannot lock ${path}: ${shimPath} lock ended with ${String(code)}`);
  } finally {
    if (!keep) {
      closeSync(fd);
    }
  }
}
