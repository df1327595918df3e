/** The handwritten Go package and its documented examples, by their own tests, against a daemon of their own. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { requires } from "../support/requires.ts";

const root = join(import.meta.dirname, "../..");
const available = requires("go", spawnSync("go", ["version"], { stdio: "ignore" }).status === 0);

test.runIf(available)(
  "go/pm passes its tests under the race detector",
  () => {
    const { status, stdout, stderr } = spawnSync("go", ["test", "-race", "-count=1", "./..."], {
      cwd: join(root, "go"),
      encoding: "utf8",
      env: { ...process.env, PM_TEST_COMMAND: join(root, "bin/pm") },
    });
    expect({ status, stderr, stdout: status === 0 ? "" : stdout }).toEqual({ status: 0, stderr: "", stdout: "" });
    expect(stdout).toMatch(/^ok\s+pm\.example\/go\/pm\s/m);
  },
  600_000,
);
