/**
 * The users file: one user a line, `name:hash`; empty lines and lines that
 * begin with `#` are kept as they are.
 */
import { type PasswordHash, parseHash } from "./password-hash.ts";

/** The users by name. */
export type Users = ReadonlyMap<string, PasswordHash>;

/** The users file cannot be used; the message names the file and the line. */
export class UsersFileError extends Error {
  override readonly name = "UsersFileError";
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** Whoever calls over the unix socket is called so, in the journal and in the log: no remote user may pass for that. */
const reservedName = "local";

/** What {@link isUserName} accepts, for messages. */
export const userNameRule =
  "1 to 64 letters, digits, '.', '_', '@' or '-', beginning with a letter or digit, and not \"local\"";

/** Whether `name` can be a user's name. A colon cannot be part of one (RFC 7617, section 2). */
export function isUserName(name: string): boolean {
  return namePattern.test(name) && name !== reservedName;
}

/**
 * Reads the users.
 *
 * @throws UsersFileError for the first line that is not as it must be
 */
export function parseUsers(text: string, path: string): Users {
  const users = new Map<string, PasswordHash>();
  for (const [index, line] of text.split("\n").entries()) {
    if (isIgnored(line)) {
      continue;
    }
    const fail = (what: string) => new UsersFileError(`${path}:${index + 1}: ${what}`);
    const colon = line.indexOf(":");
    if (colon < 0) {
      throw fail("expected name:hash");
    }
    const name = line.slice(0, colon);
    if (!isUserName(name)) {
      throw fail(`a user's name must be ${userNameRule}`);
    }
    if (users.has(name)) {
      throw fail(`user ${name} is listed twice`);
    }
    try {
      users.set(name, parseHash(line.slice(colon + 1)));
    } catch (error) {
      throw fail((error as Error).message);
    }
  }
  return users;
}

/** The file's text with this user's line added or replaced. */
export function withUser(text: string, name: string, hash: string): string {
  const lines = linesOf(text);
  const line = `${name}:${hash}`;
  const index = lines.findIndex((candidate) => isLineOf(candidate, name));
  if (index < 0) {
    lines.push(line);
  } else {
    lines[index] = line;
  }
  return `${lines.join("\n")}\n`;
}

/** The file's text without this user's line. */
export function withoutUser(text: string, name: string): string {
  const lines = linesOf(text).filter((line) => !isLineOf(line, name));
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function isLineOf(line: string, name: string): boolean {
  return !isIgnored(line) && line.startsWith(`${name}:`);
}

function isIgnored(line: string): boolean {
  return line.trim() === "" || line.startsWith("#");
}
