import { dirname } from "node:path";
import { expect, test } from "vitest";
import { defaultSocketPath } from "../../../../src/sdk/endpoint.ts";
import { runtimeDirectory } from "../../../../src/server/config/runtime-directory.ts";

test.each<[Record<string, string>, string | undefined]>([
  [{ PM_RUNTIME_DIR: "/a", XDG_RUNTIME_DIR: "/b" }, "/a"],
  [{ PM_RUNTIME_DIR: "", XDG_RUNTIME_DIR: "/b" }, "/b/pm"],
  [{ XDG_RUNTIME_DIR: "/b" }, "/b/pm"],
  [{ XDG_RUNTIME_DIR: "" }, undefined],
  [{}, undefined],
])("daemon and clients agree on the directory for %j", (env, expected) => {
  const directory = runtimeDirectory(env);
  expect(dirname(defaultSocketPath(env))).toBe(directory);
  if (expected !== undefined) {
    expect(directory).toBe(expected);
  }
});

test("without variables it is /run/pm for root and below /dev/shm for others", () => {
  expect(runtimeDirectory({}, 0)).toBe("/run/pm");
  expect(runtimeDirectory({}, 1000)).toBe("/dev/shm/pm-1000");
});
