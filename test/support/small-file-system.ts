import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { requires } from "./requires.ts";

/**
 * A tmpfs of its own, or null where this user may not mount, which CI must be able to.
 *
 * @param options As mount(8) takes them, such as "size=1m" or "nr_inodes=40".
 */
export function smallFileSystem(options: string): string | null {
  const directory = mkdtempSync(join(tmpdir(), "pm-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "none", directory], { stdio: "ignore" });
  } catch {
    rmSync(directory, { recursive: true });
    requires("the right to mount a tmpfs", false);
    return null;
  }
  onTestFinished(() => {
    execFileSync("umount", ["--lazy", directory]);
    rmSync(directory, { recursive: true });
  });
  return directory;
}

/** Writes until the file system is full. */
export function fillSpace(path: string): void {
  const file = openSync(path, "w");
  const block = Buffer.alloc(4096);
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    closeSync(file);
  }
}

/** Makes empty files until no inode is free. Answers their paths. */
export function fillInodes(directory: string): string[] {
  const paths: string[] = [];
  for (;;) {
    const path = join(directory, `inode-${paths.length}`);
    try {
      closeSync(openSync(path, "wx"));
    } catch (error) {
      expect(error).toMatchObject({ code: "ENOSPC" });
      return paths;
    }
    paths.push(path);
  }
}
