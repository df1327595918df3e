/** Changes to the users file of a daemon on this machine. The daemon sees them by itself. */
import { dirname } from "node:path";
import { editPrivateFile, makePrivateDirectory } from "../files/private-file.ts";
import { hashPassword, maxPasswordBytes } from "../server/auth/password-hash.ts";
import { loadUsers } from "../server/auth/users.ts";
import { isUserName, parseUsers, userNameRule, withoutUser, withUser } from "../server/auth/users-file.ts";
import { AdminError } from "./errors.ts";

/** @throws AdminError `conflict` if there is such a user */
export function addUser(path: string, name: string, password: string): Promise<void> {
  return changeUser(path, name, password, false);
}

/** @throws AdminError `notFound` if there is no such user */
export function setPassword(path: string, name: string, password: string): Promise<void> {
  return changeUser(path, name, password, true);
}

/** @throws AdminError `notFound` if there is no such user */
export async function removeUser(path: string, name: string): Promise<void> {
  await editPrivateFile(path, (text) => {
    if (!parseUsers(text, path).has(name)) {
      throw unknownUser(path, name);
    }
    return withoutUser(text, name);
  });
}

/** The names of the users; undefined if there is no such file. */
export async function listUsers(path: string): Promise<string[] | undefined> {
  try {
    return [...(await loadUsers(path)).keys()];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

/**
 * Whether the user can be added, or changed; what changes the file looks again.
 *
 * @throws AdminError `usage`, `conflict` or `notFound`
 */
export async function checkUser(path: string, name: string, wanted: "new" | "known"): Promise<void> {
  checkName(name);
  const isKnown = (await listUsers(path))?.includes(name) === true;
  if (isKnown && wanted === "new") {
    throw existingUser(name);
  }
  if (!isKnown && wanted === "known") {
    throw unknownUser(path, name);
  }
}

/** @throws AdminError `usage` if it cannot be a password */
export function checkPassword(password: string): void {
  if (password === "") {
    throw new AdminError("usage", "an empty password is none");
  }
  if (Buffer.byteLength(password) > maxPasswordBytes) {
    throw new AdminError("usage", `a password has at most ${maxPasswordBytes} bytes`);
  }
  // RFC 7617, section 2.
  if (/\p{Cc}/u.test(password)) {
    throw new AdminError("usage", "a password cannot hold control characters");
  }
}

async function changeUser(path: string, name: string, password: string, exists: boolean): Promise<void> {
  checkName(name);
  checkPassword(password);
  const hash = await hashPassword(password);
  makePrivateDirectory(dirname(path));
  await editPrivateFile(path, (text) => {
    // Also: nothing is added to a file that the daemon would refuse.
    const known = parseUsers(text, path).has(name);
    if (known && !exists) {
      throw existingUser(name);
    }
    if (!known && exists) {
      throw unknownUser(path, name);
    }
    return withUser(text, name, hash);
  });
}

function checkName(name: string): void {
  if (!isUserName(name)) {
    throw new AdminError("usage", `${JSON.stringify(name)} cannot be a user's name`, `a name is ${userNameRule}`);
  }
}

function existingUser(name: string): AdminError {
  return new AdminError(
    "conflict",
    `there is a user "${name}" already`,
    `'pm user passwd ${name}' changes the password`,
  );
}

function unknownUser(path: string, name: string): AdminError {
  return new AdminError("notFound", `${path} has no user ${JSON.stringify(name)}`, "'pm user ls' lists the users");
}
