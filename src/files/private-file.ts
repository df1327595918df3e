/** Writing of files that hold secrets: mode 0600, replaced atomically. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { makeDirectories } from "./make-directories.ts";
import { readPrivateFile } from "./read-private-file.ts";

/** Makes a directory that only we can enter, parents included; leaves an existing one as it is. */
export function makePrivateDirectory(path: string): void {
  makeDirectories(path, 0o700);
}

/**
 * Writes a file that must not exist yet.
 *
 * @throws Error with code EEXIST if it does
 */
export async function createFile(path: string, content: string, mode = 0o600): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await writeDurably(file, content);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** Replaces a file as a whole, mode 0600: a reader sees the old content or the new, also after a crash. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  await createFile(temporary, content);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const directory = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Changes a file from what it is (an empty text if there is none) to what
 * `change` makes of it, while no other pm command does the same.
 *
 * @throws Error if another command holds the lock `<path>.lock`
 */
export async function editPrivateFile(path: string, change: (text: string) => string | Promise<string>): Promise<void> {
  const lock = `${path}.lock`;
  await takeLock(lock);
  try {
    const text = readIfAny(path);
    const changed = await change(text);
    if (changed !== text) {
      await replaceFile(path, changed);
    }
  } finally {
    await rm(lock, { force: true });
  }
}

function readIfAny(path: string): string {
  try {
    return readPrivateFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return "";
    }
    throw error;
  }
}

async function takeLock(lock: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await createFile(lock, `${process.pid}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw error;
      }
    }
    const holder = Number.parseInt(await readFile(lock, "utf8").catch(() => ""), 10);
    if (attempt > 0 || Number.isNaN(holder) || isAlive(holder)) {
      throw new Error(`${lock} is held by another command (process ${holder || "unknown"}); try again when it is done`);
    }
    await rm(lock, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function writeDurably(file: FileHandle, content: string): Promise<void> {
  await file.writeFile(content);
  await file.sync();
}
