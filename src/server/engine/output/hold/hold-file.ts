import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hasCode } from "../../shim/system-error.ts";

const version = 1;

/**
 * Who holds a run is remembered beside its other files, so that the next daemon
 * knows the token; how far the holder is and until when stands in the ring.
 * Mode 0600: whoever has the token may free the output.
 *
 * @throws a Node system error
 */
export function writeHoldFile(path: string, token: string): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, `${JSON.stringify({ version, token })}\n`, { mode: 0o600, flag: "wx" });
  renameSync(temporary, path);
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
