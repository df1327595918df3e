import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const compiler = process.env["CC"] ?? "cc";
const sources = join(import.meta.dirname, "../../src/shim");
const programs = join(import.meta.dirname, "programs");

let scratchDir: string | null = null;
// Here and not in scratch(): within a test it is too late for a hook.
afterAll(() => {
  if (scratchDir !== null) {
    rmSync(scratchDir, { recursive: true });
  }
});

/** A directory of this test file, removed after it. */
function scratch(): string {
  scratchDir ??= mkdtempSync(join(tmpdir(), "pm-compiled-"));
  return scratchDir;
}

/** Builds the shim with other flags; what the compiler said against it, or "". */
export function compileShim(output: string, flags: readonly string[]): string {
  const files = readdirSync(sources).filter((name) => name.endsWith(".c"));
  const strict = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"];
  const paths = files.map((name) => join(sources, name));
  const run = spawnSync(compiler, [...strict, ...flags, "-o", output, ...paths], { encoding: "utf8" });
  return run.status === 0 ? "" : `${run.stderr}${run.error ?? ""}`;
}

/** Builds a shim of this test file's own; its path. */
export function buildShim(...flags: string[]): string {
  const output = join(scratch(), "pm-shim");
  const errors = compileShim(output, flags);
  if (errors !== "") {
    throw new Error(errors);
  }
  return output;
}

/** Builds `programs/<name>.c`, which does what no shell can; its path. */
export function buildProgram(name: string): string {
  const output = join(scratch(), name);
  execFileSync(compiler, [
    "-std=c17",
    "-D_GNU_SOURCE",
    "-O1",
    "-Wall",
    "-Werror",
    "-o",
    output,
    `${programs}/${name}.c`,
  ]);
  return output;
}
