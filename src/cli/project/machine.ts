/** What reading a project file needs, of the caller. */
import { existsSync, globSync, readFileSync } from "node:fs";
import type { Machine } from "../../project/load.ts";
import { type Caller, resolvePath } from "../caller.ts";

export function callersMachine(caller: Caller): Machine {
  return {
    directory: resolvePath(caller, "."),
    environment: caller.env,
    readFile: (path) => readFileSync(path, "utf8"),
    exists: existsSync,
    findFiles: (pattern, base) =>
      globSync(pattern, { cwd: base })
        .map((path) => resolvePath({ cwd: base }, path))
        .sort(),
  };
}
