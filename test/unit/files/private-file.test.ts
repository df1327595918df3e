import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFile, editPrivateFile, replaceFile } from "../../../src/files/private-file.ts";
import { readPrivateFile } from "../../../src/files/read-private-file.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pm-files-"));
});
afterEach(() => rm(directory, { recursive: true }));

describe("private files", () => {
  it("are written with mode 0600, whole, and leave nothing beside them", async () => {
    const path = join(directory, "secret");
    await createFile(path, "one");
    await replaceFile(path, "two");
    expect(readPrivateFile(path)).toBe("two");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(["secret"]);
  });

  it("are never overwritten by a creation", async () => {
    const path = join(directory, "secret");
    await createFile(path, "one");
    await expect(createFile(path, "two")).rejects.toMatchObject({ code: "EEXIST" });
    expect(readPrivateFile(path)).toBe("one");
  });

  it("are refused when others can touch them, with the command that helps", async () => {
    const path = join(directory, "secret");
    await writeFile(path, "x");
    for (const mode of [0o640, 0o604, 0o620, 0o610]) {
      await chmod(path, mode);
      expect(() => readPrivateFile(path)).toThrow(`chmod 600 ${path}`);
    }
    await chmod(path, 0o400);
    expect(readPrivateFile(path)).toBe("x");
  });

  it("are refused when they are not regular files, without waiting for a writer", async () => {
    expect(() => readPrivateFile(directory)).toThrow("not a regular file");
    const fifo = join(directory, "fifo");
    expect(spawnSync("mkfifo", ["-m", "600", fifo]).status).toBe(0);
    expect(() => readPrivateFile(fifo)).toThrow("not a regular file");
    await symlink("/dev/zero", join(directory, "zero"));
    expect(() => readPrivateFile(join(directory, "zero"))).toThrow("not a regular file");
  });

  it("are edited by one command at a time", async () => {
    const path = join(directory, "secret");
    await editPrivateFile(path, () => "1");
    await editPrivateFile(path, async (text) => {
      await expect(editPrivateFile(path, () => "lost")).rejects.toThrow(
        `held by another command (process ${process.pid})`,
      );
      return `${text}2`;
    });
    expect(await readFile(path, "utf8")).toBe("12");
    expect(await readdir(directory)).toEqual(["secret"]);
  });

  it("take over the lock of a command that died", async () => {
    const path = join(directory, "secret");
    const { pid } = spawnSync("true");
    await writeFile(`${path}.lock`, `${pid}\n`);
    await editPrivateFile(path, () => "1");
    expect(await readFile(path, "utf8")).toBe("1");
  });

  it("stay as they were when the change fails", async () => {
    const path = join(directory, "secret");
    await createFile(path, "1");
    const failure = editPrivateFile(path, () => {
      throw new Error("no");
    });
    await expect(failure).rejects.toThrow("no");
    expect(await readFile(path, "utf8")).toBe("1");
    expect(await readdir(directory)).toEqual(["secret"]);
  });
});
