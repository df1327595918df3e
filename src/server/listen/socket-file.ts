import { type BigIntStats, lstatSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { bindingPath } from "../../files/publish-socket.ts";

/** The socket cannot be made; the message says why and what to do. */
export class SocketFileError extends Error {
  override readonly name = "SocketFileError";
}

/** sockaddr_un.sun_path holds 108 bytes, the NUL included (unix(7)). Node.js cuts longer paths off without a word. */
const maxSocketPathBytes = 107;

/**
 * Makes sure that a socket at `path` can be reached and is private.
 *
 * @throws SocketFileError
 */
export function checkSocketPath(path: string): void {
  if (!path.startsWith("/")) {
    throw new SocketFileError(`the socket must be an absolute path, not ${JSON.stringify(path)}`);
  }
  const bytes = Math.max(Buffer.byteLength(path), Buffer.byteLength(bindingPath(path)));
  if (bytes > maxSocketPathBytes) {
    throw new SocketFileError(
      `the socket's path ${path} is too long: ${bytes} bytes, of which Linux takes ${maxSocketPathBytes}; set PM_RUNTIME_DIR (or --socket) to a shorter path`,
    );
  }
  const directory = dirname(path);
  const stats = statOf(directory);
  if (stats === undefined || !stats.isDirectory()) {
    throw new SocketFileError(`the socket's directory ${directory} is not a directory: make it, with mode 0700`);
  }
  const uid = BigInt(process.getuid?.() ?? 0);
  if (stats.uid !== uid || (stats.mode & 0o077n) !== 0n) {
    throw new SocketFileError(
      `the socket's directory ${directory} is open to other users: it must be your own and have mode 0700, since whoever reaches the socket controls the daemon`,
    );
  }
}

/**
 * Makes sure that what is at `path` may be replaced: nothing, or a socket that
 * nobody listens on.
 *
 * @throws SocketFileError
 */
export async function checkReplaceable(path: string): Promise<void> {
  const stats = statOf(path);
  if (stats === undefined) {
    return;
  }
  if (!stats.isSocket()) {
    throw new SocketFileError(`${path} exists and is not a socket: move it away`);
  }
  if (await isListening(path)) {
    throw new SocketFileError(`another program listens on ${path}: stop it, or choose another socket`);
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => {
      // EAGAIN: somebody listens and is busy.
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}

function statOf(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}
