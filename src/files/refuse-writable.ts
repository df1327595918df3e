/** Configuration that is not secret, but that nobody else may change. */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { UnsafeFileError } from "./read-private-file.ts";

/**
 * @throws UnsafeFileError if users other than this one and root can write the file or replace it in its directory; the
 *   system's error if there is none
 */
export function refuseWritable(path: string): void {
  const uid = process.getuid?.();
  for (const [place, sticky] of [
    [path, false],
    [dirname(path), true],
  ] as const) {
    const stat = statSync(place);
    if (stat.uid !== uid && stat.uid !== 0) {
      throw new UnsafeFileError(`${place}: owned by user ${stat.uid}; it must be owned by user ${uid} or root`);
    }
    // In a directory with the sticky bit only the owner of a file can replace it.
    if ((stat.mode & 0o022) !== 0 && !(sticky && (stat.mode & 0o1000) !== 0)) {
      const mode = (stat.mode & 0o7777).toString(8).padStart(4, "0");
      throw new UnsafeFileError(`${place}: mode ${mode} lets others change it; run: chmod go-w ${place}`);
    }
  }
}
