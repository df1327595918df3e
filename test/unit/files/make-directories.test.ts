import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeDirectories } from "../../../src/files/make-directories.ts";

test("makes a directory with its parents, once", () => {
  const base = mkdtempSync(join(tmpdir(), "pm-files-"));
  onTestFinished(() => rmSync(base, { recursive: true }));
  const path = join(base, "a", "b");
  makeDirectories(path, 0o700);
  makeDirectories(path, 0o700);
  expect([statSync(join(base, "a")).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o700]);
});

test("fails, rather than trying for ever, where the system makes none", () => {
  expect(() => makeDirectories("/proc/no/such", 0o700)).toThrow(/ENOENT/);
});
