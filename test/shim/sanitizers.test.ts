import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { compileShim } from "./compile.ts";

const root = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "pm-sanitize-"));
const binary = join(dir, "pm-shim-sanitized");
const wrapper = join(dir, "pm-shim");
const compiler = process.env["CC"] ?? "cc";
const sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

writeFileSync(join(dir, "probe.c"), "int main(void) { return 0; }\n");
const missing = spawnSync(compiler, [...sanitize, "-o", join(dir, "probe"), join(dir, "probe.c")]).status !== 0;

afterAll(() => rmSync(dir, { recursive: true }));

test.skipIf(missing)("the core cases run clean under AddressSanitizer and UBSan", { timeout: 300_000 }, () => {
  expect(compileShim(binary, [...sanitize, "-g", "-O1"])).toBe("");
  // A shim has no stderr: what the sanitizers say goes to files.
  const options = `log_path=${dir}/report`;
  writeFileSync(
    wrapper,
    `#!/bin/sh\nASAN_OPTIONS=${options} UBSAN_OPTIONS=${options}:print_stacktrace=1 exec ${binary} "$@"\n`,
    { mode: 0o755 },
  );
  const cases = ["start", "spec", "tree", "output", "input", "hold", "notify", "probe", "stopped"].map(
    (name) => `test/shim/${name}.test.ts`,
  );
  const run = spawnSync(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", ...cases], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, PM_TEST_SHIM: wrapper, NO_COLOR: "1" },
  });
  const reports = readdirSync(dir).filter((name) => name.startsWith("report"));
  expect(reports.map((name) => readFileSync(join(dir, name), "utf8"))).toEqual([]);
  expect(run.status, run.stdout + run.stderr).toBe(0);
});
