import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "pm-sanitize-"));
const binary = join(dir, "pm-shim-sanitized");
const wrapper = join(dir, "pm-shim");
const compiler = process.env["CC"] ?? "cc";
const sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

function compile(output: string, ...args: string[]): string {
  const run = spawnSync(compiler, [...sanitize, "-o", output, ...args], { encoding: "utf8" });
  return run.status === 0 ? "" : `${run.stderr}${run.error ?? ""}`;
}

writeFileSync(join(dir, "probe.c"), "int main(void) { return 0; }\n");
const missing = compile(join(dir, "probe"), join(dir, "probe.c")) !== "";

afterAll(() => rmSync(dir, { recursive: true }));

test.skipIf(missing)("the core cases run clean under AddressSanitizer and UBSan", { timeout: 120_000 }, () => {
  const sources = join(root, "src/shim");
  const files = readdirSync(sources).filter((name) => name.endsWith(".c"));
  const flags = ["-std=c17", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Werror"];
  expect(compile(binary, ...flags, ...files.map((name) => join(sources, name)))).toBe("");
  // A shim has no stderr: what the sanitizers say goes to files.
  const options = `log_path=${dir}/report`;
  writeFileSync(
    wrapper,
    `#!/bin/sh\nASAN_OPTIONS=${options} UBSAN_OPTIONS=${options}:print_stacktrace=1 exec ${binary} "$@"\n`,
    { mode: 0o755 },
  );
  const cases = ["start", "tree", "output", "input"].map((name) => `test/shim/${name}.test.ts`);
  const run = spawnSync(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", ...cases], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, PM_TEST_SHIM: wrapper, NO_COLOR: "1" },
  });
  const reports = readdirSync(dir).filter((name) => name.startsWith("report"));
  expect(reports.map((name) => readFileSync(join(dir, name), "utf8"))).toEqual([]);
  expect(run.status, run.stdout + run.stderr).toBe(0);
});
