import { accessSync, constants, lstatSync, mkdirSync, readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { makeDirectories } from "../../../files/make-directories.ts";

/** The runtime directory cannot be used; the message says what to do. */
export class RuntimeDirectoryError extends Error {
  override readonly name = "RuntimeDirectoryError";
}

/**
 * Makes the runtime directory with mode 0700 if it is missing, and refuses one
 * that somebody else could read, replace or write to: it holds environments
 * and the socket whose permissions are the authentication.
 *
 * @param directory An absolute path.
 */
export function prepareRuntimeDirectory(directory: string): void {
  if (!isAbsolute(directory)) {
    throw new RuntimeDirectoryError(`the runtime directory ${directory} must be an absolute path`);
  }
  attempt(directory, "made", () => makeDirectories(dirname(directory), 0o700));
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw refusal(directory, "made", error);
  }
  const status = attempt(directory, "examined", () => lstatSync(directory));
  if (status.isSymbolicLink()) {
    throw new RuntimeDirectoryError(
      `the runtime directory ${directory} is a symbolic link: name the directory itself, so that nobody can point it elsewhere`,
    );
  }
  if (!status.isDirectory()) {
    throw new RuntimeDirectoryError(`the runtime directory ${directory} is not a directory: remove it or name another`);
  }
  checkOwner(directory, status);
  if ((status.mode & 0o077) !== 0) {
    throw new RuntimeDirectoryError(
      `the runtime directory ${directory} has mode ${(status.mode & 0o777).toString(8).padStart(4, "0")}, so others may reach into it: chmod 0700 ${directory}`,
    );
  }
  checkAncestors(directory);
  attempt(directory, "written to", () => accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK));
  const processes = join(directory, "p");
  attempt(processes, "made", () => mkdirSync(processes, { recursive: true, mode: 0o700 }));
  if (!attempt(processes, "examined", () => lstatSync(processes)).isDirectory()) {
    throw new RuntimeDirectoryError(`${processes} is not a directory: remove it`);
  }
}

function checkOwner(directory: string, status: Stats): void {
  const user = process.geteuid?.() ?? 0;
  if (status.uid !== user) {
    throw new RuntimeDirectoryError(
      `the runtime directory ${directory} belongs to user ${status.uid}, not to user ${user} who runs this daemon: set PM_RUNTIME_DIR to a directory of your own`,
    );
  }
}

/** Whoever may rename an ancestor may put another directory in this one's place. */
function checkAncestors(directory: string): void {
  const user = process.geteuid?.() ?? 0;
  const unmapped = unmappedUser();
  let ancestor = attempt(directory, "examined", () => realpathSync(dirname(directory)));
  for (;;) {
    const path = ancestor;
    const status = attempt(path, "examined", () => statSync(path));
    if (status.uid !== 0 && status.uid !== user && status.uid !== unmapped) {
      throw new RuntimeDirectoryError(
        `the runtime directory ${directory} lies below ${path}, which belongs to user ${status.uid}: choose a directory below one of your own`,
      );
    }
    const sticky = (status.mode & 0o1000) !== 0;
    if ((status.mode & 0o002) !== 0 && !sticky) {
      throw new RuntimeDirectoryError(
        `the runtime directory ${directory} lies below ${path}, which everybody may write to: choose another, or chmod o-w ${path}`,
      );
    }
    const parent = dirname(path);
    if (parent === path) return;
    ancestor = parent;
  }
}

/**
 * What stands for every user that this user namespace does not know, root of the machine among them (user_namespaces(7)):
 * there `/` and `/dev/shm` seem to be its. Undefined where root is known, and any other owner is somebody else.
 */
function unmappedUser(): number | undefined {
  try {
    const ranges = readFileSync("/proc/self/uid_map", "latin1").trim().split("\n");
    const knowsRoot = ranges.some((range) => range.trim().split(/\s+/)[1] === "0");
    return knowsRoot ? undefined : Number(readFileSync("/proc/sys/kernel/overflowuid", "latin1"));
  } catch {
    return undefined; // A kernel without user namespaces.
  }
}

function attempt<T>(directory: string, verb: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw refusal(directory, verb, error);
  }
}

function refusal(directory: string, verb: string, error: unknown): RuntimeDirectoryError {
  const reason = error instanceof Error ? error.message : String(error);
  return new RuntimeDirectoryError(
    `the runtime directory ${directory} cannot be ${verb} (${reason}): set PM_RUNTIME_DIR to a directory that you may write to, best on tmpfs`,
    { cause: error },
  );
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
