import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { prepareRuntimeDirectory, RuntimeDirectoryError } from "../../src/server/engine/lifecycle/runtime-directory.ts";

const isRoot = process.geteuid?.() === 0;

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "pm-runtime-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function refusal(directory: string): string {
  try {
    prepareRuntimeDirectory(directory);
  } catch (error) {
    if (error instanceof RuntimeDirectoryError) return error.message;
    throw error;
  }
  throw new Error("it was accepted");
}

test("is made, private, with its parents, and accepted again", () => {
  const directory = join(scratch(), "a/b/pm");
  prepareRuntimeDirectory(directory);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, "p")).mode & 0o777).toBe(0o700);
  prepareRuntimeDirectory(directory);
});

test("is refused where others could reach into it", () => {
  const directory = join(scratch(), "pm");
  mkdirSync(directory);
  chmodSync(directory, 0o750);
  expect(refusal(directory)).toContain(`chmod 0700 ${directory}`);
  expect(existsSync(join(directory, "p"))).toBe(false);
});

test("is refused as a file, as a symbolic link, and as a relative path", () => {
  const base = scratch();
  writeFileSync(join(base, "file"), "");
  expect(refusal(join(base, "file"))).toContain("is not a directory");
  mkdirSync(join(base, "real"), { mode: 0o700 });
  symlinkSync(join(base, "real"), join(base, "link"));
  expect(refusal(join(base, "link"))).toContain("symbolic link");
  expect(refusal("relative/pm")).toContain("absolute");
  expect(refusal(join(base, "file/pm"))).toContain("set PM_RUNTIME_DIR");
});

test("is refused below a directory that everybody may write to", () => {
  const base = scratch();
  const open = join(base, "open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  expect(refusal(join(open, "pm"))).toContain(open);
  // With the sticky bit, as /tmp has it, nobody can replace another's directory.
  chmodSync(open, 0o1777);
  prepareRuntimeDirectory(join(open, "pm"));
});

test.runIf(isRoot)("is refused if it, or what it lies below, is somebody else's", () => {
  const base = scratch();
  const directory = join(base, "theirs");
  mkdirSync(directory, { mode: 0o700 });
  chownSync(directory, 4711, 4711);
  expect(refusal(directory)).toContain("user 4711");
  expect(refusal(join(directory, "pm"))).toContain("choose a directory below one of your own");
});
