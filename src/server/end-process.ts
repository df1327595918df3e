import { existsSync } from "node:fs";

const ownProgram = "/proc/self/exe";

/**
 * Ends this process now, whatever its threads do. `process.exit` waits for all
 * of them, and forever for one that a system call holds, such as opening a
 * named pipe that nobody writes to, or reading from a file server that is gone.
 * The kernel ends them all where a program takes the process's place.
 */
export function endProcess(code: number): never {
  if (existsSync(ownProgram)) {
    const libraries = process.env["LD_LIBRARY_PATH"];
    process.execve?.(ownProgram, [process.execPath, "-e", `process.exit(${code})`], {
      ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries }),
    });
  }
  return process.exit(code);
}
