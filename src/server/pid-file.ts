import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** For people and error messages only: the lock says who serves a directory. */
function pathIn(runtimeDirectory: string): string {
  return join(runtimeDirectory, "daemon.pid");
}

/** At once: whoever reads it never finds half a number, or none. */
export function writePidFile(runtimeDirectory: string): void {
  const path = pathIn(runtimeDirectory);
  writeFileSync(`${path}.new`, `${process.pid}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Unless it is that of another daemon, which made the directory anew. */
export function removePidFile(runtimeDirectory: string): void {
  if (readPidFile(runtimeDirectory) !== process.pid) return;
  rmSync(pathIn(runtimeDirectory), { force: true });
}

/** Undefined if no daemon has written one yet. */
export function readPidFile(runtimeDirectory: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pathIn(runtimeDirectory), "utf8"), 10);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
