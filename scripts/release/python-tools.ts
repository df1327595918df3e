/** A virtual environment with the tools that a release takes from PyPI (tools/release/requirements.txt). */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { root, run } from "./run.ts";

/** Makes it where it is not yet; a run that breaks off leaves none behind that counts. */
export function pythonTools(): string {
  const requirements = join(root, "tools/release/requirements.txt");
  const hash = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const directory = join(root, `node_modules/.cache/pm-release-${hash}`);
  const packages = join(directory, "packages");
  if (!existsSync(packages)) {
    mkdirSync(dirname(directory), { recursive: true });
    const staging = `${directory}.${process.pid}`;
    const pip = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"];
    run("python3", [...pip, "--target", join(staging, "packages"), "-r", requirements]);
    rmSync(directory, { recursive: true, force: true });
    renameSync(staging, directory);
  }
  return packages;
}

/** Runs a module of these tools. */
export function runPython(args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = root): string {
  return run("python3", args, { cwd, env: { PYTHONPATH: pythonTools(), PYTHONDONTWRITEBYTECODE: "1", ...env } });
}
