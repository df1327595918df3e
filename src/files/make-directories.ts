import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory with its parents, all with this mode, unless it is there.
 * Node's own `recursive` never ends where the system answers ENOENT below a
 * parent that exists, as /proc does.
 *
 * @throws a Node system error
 */
export function makeDirectories(path: string, mode: number): void {
  const parent = dirname(path);
  if (!existsSync(parent)) {
    makeDirectories(parent, mode);
  }
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) {
      throw error;
    }
  }
}
