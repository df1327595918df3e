/** The Python package by its own tests, against a daemon of their own. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generatePython } from "../../scripts/python-code.ts";
import { pythonTools } from "../../scripts/release/python-tools.ts";
import { requires } from "../support/requires.ts";

const root = join(import.meta.dirname, "../..");
const available = requires(
  "python3 with pip",
  spawnSync("python3", ["-m", "pip", "--version"], { stdio: "ignore" }).status === 0,
);

test.runIf(available)(
  "python/pm, with the code generated from the contract, passes its tests",
  () => {
    const directory = mkdtempSync(join(tmpdir(), "pm-python-package-"));
    try {
      cpSync(join(root, "python/src"), directory, { recursive: true, filter: (path) => !path.includes("/pm/v1") });
      generatePython(directory);
      const { status, stderr } = spawnSync(
        "python3",
        ["-m", "unittest", "discover", "-s", join(root, "python/tests")],
        {
          encoding: "utf8",
          env: {
            ...process.env,
            PM_TEST_COMMAND: join(root, "bin/pm"),
            PYTHONPATH: `${directory}:${pythonTools()}`,
            PYTHONDONTWRITEBYTECODE: "1",
          },
        },
      );
      expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
      expect(stderr).toMatch(/^Ran [1-9]\d* tests/m);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
  600_000,
);
