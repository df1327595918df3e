import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openReadiness } from "../../../src/server/readiness.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

test("a descriptor that nobody reads is left alone: it may be one of the daemon's own", () => {
  const path = join(temporaryDirectory(), "file");
  const descriptor = openSync(path, "w");
  const env: NodeJS.ProcessEnv = { PM_READY_FD: String(descriptor) };
  openReadiness(env).ready();
  expect(env).toEqual({});
  expect(fstatSync(descriptor).isFile()).toBe(true);
  closeSync(descriptor);
  expect(readFileSync(path, "utf8")).toBe("");
});
