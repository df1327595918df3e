/** The users in force: read from their file, and again when it changes. */
import { readPrivateFile } from "../../files/read-private-file.ts";
import { Reloadable, type ReloadLog } from "../reload/reloadable.ts";
import { parseUsers, type Users } from "./users-file.ts";

/**
 * Opens the users file.
 *
 * @throws UsersFileError, UnsafeFileError or the system's error if it cannot be used
 */
export function openUsers(path: string, log: ReloadLog): Promise<Reloadable<Users>> {
  return Reloadable.open({ what: "users", files: [path], log, load: () => loadUsers(path) });
}

/** Reads the users once. */
export async function loadUsers(path: string): Promise<Users> {
  return parseUsers(readPrivateFile(path), path);
}
