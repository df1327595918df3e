/**
 * Builds `dist/pm-shim`, static, with the system's C compiler ($CC, cc, gcc or
 * clang), when a source is newer than the result.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const sources = join(root, "src/shim");
const target = join(root, "dist/pm-shim");
const flags = ["-std=c17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror"];

const packages = `Install a C compiler and the static C library:
  Debian, Ubuntu  apt-get install gcc libc6-dev
  Fedora, RHEL    dnf install gcc glibc-static
  Alpine          apk add build-base linux-headers`;

function fail(message: string): never {
  process.stderr.write(`build-shim: ${message}\n`);
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

function findCompiler(): string {
  const chosen = process.env["CC"];
  const candidates = chosen ? [chosen] : ["cc", "gcc", "clang"];
  const found = candidates.find((name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0);
  return found ?? fail(`no C compiler: ${candidates.join(", ")} could not be run.\n${packages}`);
}

/** Tells a missing C library from a fault in our sources. */
function checkStaticLibrary(compiler: string): void {
  const scratch = mkdtempSync(join(tmpdir(), "pm-build-"));
  try {
    const probe = join(scratch, "probe.c");
    writeFileSync(probe, '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n');
    const run = spawnSync(compiler, ["-static", "-o", join(scratch, "probe"), probe], { encoding: "utf8" });
    if (run.status !== 0) {
      fail(`${compiler} cannot build a static program.\n${run.stderr.trim()}\n${packages}`);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

if (!isCurrent()) {
  const compiler = findCompiler();
  checkStaticLibrary(compiler);
  mkdirSync(dirname(target), { recursive: true });
  const files = readdirSync(sources).filter((name) => name.endsWith(".c"));
  // Beside the target and renamed: a running shim's file is never written to.
  const fresh = `${target}.${process.pid}`;
  const paths = files.map((name) => join(sources, name));
  const run = spawnSync(compiler, [...flags, "-static", "-o", fresh, ...paths], { stdio: "inherit" });
  if (run.status !== 0) {
    rmSync(fresh, { force: true });
    fail(`${compiler} failed`);
  }
  renameSync(fresh, target);
}
