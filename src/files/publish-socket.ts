/** Sockets that appear listening and closed to others, in place of stale ones. */
import { randomBytes } from "node:crypto";
import { chmodSync, lstatSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * A name to bind to, beside `path`. Binding there and renaming makes the
 * socket appear with its final mode, listening, in place of a stale one; and
 * libuv, which unlinks the name that it bound when it closes, then cannot
 * remove a socket that another daemon has put in our place.
 */
export function bindingPath(path: string): string {
  return join(dirname(path), `.${randomBytes(3).toString("hex")}`);
}

/** A socket file that this process published. */
export interface PublishedSocket {
  /** Removes the file if it is still ours. */
  remove(): void;
}

/** Moves the bound socket to its name, mode 0600. */
export function publishSocket(bound: string, path: string): PublishedSocket {
  chmodSync(bound, 0o600);
  const ours = lstatSync(bound, { bigint: true });
  renameSync(bound, path);
  return {
    remove: () => {
      const now = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (now !== undefined && now.dev === ours.dev && now.ino === ours.ino) {
        rmSync(path, { force: true });
      }
    },
  };
}
