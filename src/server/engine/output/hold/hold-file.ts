import { closeSync, constants, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { hasCode } from "../../shim/system-error.ts";

const version = 1;

/**
 * Keeps the room that a token will take, before the run begins: a process that
 * runs must not be without the one who holds it because the file system is full.
 *
 * @throws a Node system error
 */
export function keepRoomForHold(path: string): void {
  writeFileSync(path, contents(""), { mode: 0o600, flag: "wx" });
}

/**
 * Who holds a run is remembered beside its other files, so that the next daemon
 * knows the token; how far the holder is and until when stands in the ring.
 * Mode 0600: whoever has the token may free the output.
 *
 * Written in place, in the room that was kept: what the kernel takes in one
 * write(2) is there whole or not at all, whenever the daemon is killed.
 *
 * @throws a Node system error
 */
export function writeHoldFile(path: string, token: string): void {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW } = constants;
  const file = openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    writeSync(file, contents(token), 0);
  } finally {
    closeSync(file);
  }
}

function contents(token: string): string {
  return `${JSON.stringify({ version, token })}\n`;
}

/** The token; null: nobody held the run, or it was another version of pm that said so. */
export function readHoldFile(path: string): string | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found !== "object" || found === null || !("version" in found) || !("token" in found)) return null;
    return found.version === version && typeof found.token === "string" && found.token !== "" ? found.token : null;
  } catch {
    return null;
  }
}

export function removeHoldFile(path: string): void {
  rmSync(path, { force: true });
}
