import { type FSWatcher, lstatSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Log } from "./log.ts";

/**
 * Tells when a socket is no longer where it was published, or its directory is gone: nobody can reach the daemon then,
 * and a socket that has lost its last name cannot be given one again. logind(8) removes $XDG_RUNTIME_DIR at a user's
 * last logout.
 *
 * @returns how to stop watching
 */
export function watchSocket(path: string, log: Pick<Log, "warn">, onGone: () => void): () => void {
  const published = inode(path);
  let watcher: FSWatcher;
  try {
    // Of the directory: events of the file itself come only once nobody has it open.
    watcher = watch(dirname(path), { persistent: false });
  } catch (error) {
    log.warn({ err: error }, "cannot watch the socket: it will not be noticed if it is removed");
    return () => {};
  }
  const stop = (): void => watcher.close();
  watcher.on("error", stop);
  watcher.on("change", (_type, name) => {
    if (name !== null && name !== basename(path) && name !== basename(dirname(path))) {
      return;
    }
    if (inode(path) !== published) {
      stop();
      onGone();
    }
  });
  return stop;
}

/** Undefined if there is no such file. */
function inode(path: string): bigint | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
  } catch {
    return undefined;
  }
}
