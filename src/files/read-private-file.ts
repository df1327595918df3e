/** Reading of files that hold secrets. Apart from their writing: the command line reads on every start. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

/** A secret file that others may read or write, or that is not a regular file of ours. */
export class UnsafeFileError extends Error {
  override readonly name = "UnsafeFileError";
}

/** No secret file of pm is larger. */
const maxBytes = 1 << 20;

/**
 * Reads a file that only its owner may touch.
 *
 * @throws UnsafeFileError if anybody else can read or write it, or it is not a
 *   regular file of at most 1 MiB owned by this user or root
 */
export function readPrivateFile(path: string): string {
  // Checked on the open descriptor, so that nothing can be swapped in between; O_NONBLOCK, or a FIFO would hang us.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) {
      throw new UnsafeFileError(`${path}: not a regular file`);
    }
    if (stat.size > maxBytes) {
      throw new UnsafeFileError(`${path}: larger than ${maxBytes} bytes`);
    }
    const uid = process.getuid?.();
    if (stat.uid !== uid && stat.uid !== 0) {
      throw new UnsafeFileError(`${path}: owned by user ${stat.uid}; it must be owned by user ${uid} or root`);
    }
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o7777).toString(8).padStart(4, "0");
      throw new UnsafeFileError(`${path}: mode ${mode} lets others touch it; run: chmod 600 ${path}`);
    }
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}
