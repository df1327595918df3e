/** Writing to standard output and error, without the cost of loading Node's streams for it. */
import { write, writeSync } from "node:fs";

/** Nobody reads standard output any more. */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";
}

const stdoutFd = 1;
const stderrFd = 2;

/** Writes all of it to standard output before it returns. For results that are small. */
export function print(text: string): void {
  writeAllSync(stdoutFd, Buffer.from(text));
}

/** Tells a person something, on standard error. A closed standard error is not worth failing for. */
export function note(text: string): void {
  try {
    writeAllSync(stderrFd, Buffer.from(text));
  } catch (error) {
    if (!(error instanceof BrokenPipe)) {
      throw error;
    }
  }
}

/**
 * Writes all of it to standard output and resolves when the kernel has taken
 * it: whoever awaits it is as slow as the reader. A thread does the blocking,
 * so signals are still handled meanwhile.
 */
export async function writeOutput(data: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < data.length) {
    offset += await writeSome(data, offset);
  }
}

function writeSome(data: Uint8Array, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(stdoutFd, data, offset, data.length - offset, null, (error, written) => {
      if (error === null) {
        resolve(written);
      } else if (error.code === "EAGAIN") {
        setTimeout(resolve, retryMs, 0);
      } else {
        reject(error.code === "EPIPE" ? new BrokenPipe() : error);
      }
    });
  });
}

/**
 * Somebody who shares the descriptor (often a terminal or ssh) may have made it
 * non-blocking. There is no waiting for it to drain through node:fs then.
 */
const retryMs = 5;

function writeAllSync(fd: number, data: Uint8Array): void {
  let offset = 0;
  while (offset < data.length) {
    try {
      offset += writeSync(fd, data, offset);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") {
        throw new BrokenPipe();
      }
      if (code !== "EAGAIN") {
        throw error;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
    }
  }
}
