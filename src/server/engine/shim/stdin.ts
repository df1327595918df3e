import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { hasCode } from "./system-error.ts";

/** Nobody reads the process's standard input any more. */
export class StdinClosedError extends Error {
  override readonly name = "StdinClosedError";
}

function closed(cause: unknown): StdinClosedError {
  return new StdinClosedError("the process has closed its standard input", { cause });
}

/**
 * Writes all of `data` to a run's stdin FIFO, waiting by event while it is
 * full. Callers write one after the other: two writes at once interleave.
 *
 * @throws StdinClosedError if no reader is left; the signal's reason if it is
 * aborted, in which case a part of `data` may have been written.
 */
export async function writeStdin(path: string, data: Uint8Array, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw hasCode(error, "ENXIO", "ENOENT") ? closed(error) : error;
  }
  let socket: Socket;
  try {
    socket = new Socket({ fd, readable: false, writable: true });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  socket.on("error", (error) => reject(hasCode(error, "EPIPE") ? closed(error) : error));
  socket.write(data, (error) => {
    if (!error) {
      resolve();
    }
  });
  try {
    await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    socket.destroy();
  }
}
