/**
 * Builds `dist/pm`, the launcher, static, with the system's C compiler ($CC,
 * cc, gcc or clang), when a source is newer than the result. `bin/pm` is a
 * link to it.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const sources = join(root, "src/launcher");
const target = join(root, "dist/pm");
const flags = ["-std=c17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s"];

function fail(message: string): never {
  process.stderr.write(`build-launcher: ${message}\n`);
  process.exit(1);
}

function isCurrent(): boolean {
  const built = statSync(target, { throwIfNoEntry: false })?.mtimeMs;
  return (
    built !== undefined &&
    [...readdirSync(sources).map((name) => join(sources, name)), import.meta.filename].every(
      (path) => statSync(path).mtimeMs < built,
    )
  );
}

/** What is missing for a static program, `build-shim.ts` has said: it runs first. */
function findCompiler(): string {
  const chosen = process.env["CC"];
  const candidates = chosen ? [chosen] : ["cc", "gcc", "clang"];
  const found = candidates.find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0);
  return found ?? fail(`no C compiler: ${candidates.join(", ")} could not be run`);
}

if (!isCurrent()) {
  const compiler = findCompiler();
  mkdirSync(dirname(target), { recursive: true });
  const files = readdirSync(sources).filter((name) => name.endsWith(".c"));
  // Beside the target and renamed: a program that runs is never written to.
  const fresh = `${target}.${process.pid}`;
  const run = spawnSync(compiler, [...flags, "-o", fresh, ...files.map((name) => join(sources, name))], {
    stdio: "inherit",
  });
  if (run.status !== 0) {
    rmSync(fresh, { force: true });
    fail(`${compiler} failed`);
  }
  renameSync(fresh, target);
}
