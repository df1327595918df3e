/** The Python package as a wheel, with its generated code. */
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { generatePython } from "../python-code.ts";
import { runPython } from "./python-tools.ts";
import { root } from "./run.ts";

export function buildWheel(stage: string, release: string): void {
  mkdirSync(stage, { recursive: true });
  for (const name of ["LICENSE", "README.md", "pyproject.toml"]) {
    cpSync(join(root, "python", name), join(stage, name));
  }
  cpSync(join(root, "python/src/pm"), join(stage, "src/pm"), {
    recursive: true,
    filter: (path) => !/__pycache__|src\/pm\/v1/.test(path),
  });
  generatePython(join(stage, "src"));
  const pip = ["-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"];
  runPython([...pip, "-w", release, "."], {}, stage);
}
