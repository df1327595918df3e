import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Reloadable } from "../../../../src/server/reload/reloadable.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pm-reload-"));
});
afterEach(() => rm(directory, { recursive: true }));

async function open(apply?: (value: number) => void) {
  const path = join(directory, "number");
  await writeFile(path, "1");
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const load = async () => {
    const value = Number(await readFile(path, "utf8"));
    if (Number.isNaN(value)) {
      throw new Error(`${path}: not a number`);
    }
    return value;
  };
  const value = await Reloadable.open({ what: "number", files: [path], load, log, ...(apply && { apply }) });
  return { path, log, value };
}

describe("a reloadable value", () => {
  it("follows its file, also when that is replaced by rename", async () => {
    const { path, value } = await open();
    using _ = value;
    expect(value.current).toBe(1);
    await writeFile(path, "2");
    await vi.waitFor(() => expect(value.current).toBe(2), 30_000);
    await writeFile(`${path}.tmp`, "3");
    await rename(`${path}.tmp`, path);
    await vi.waitFor(() => expect(value.current).toBe(3), 30_000);
  });

  it("keeps the earlier value when the new one is refused, and says so", async () => {
    const { path, log, value } = await open();
    using _ = value;
    await writeFile(path, "x");
    expect(await value.reload()).toBe(false);
    expect(value.current).toBe(1);
    expect(log.error).toHaveBeenCalledWith(
      expect.objectContaining({ error: `${path}: not a number` }),
      expect.stringContaining("stays in force"),
    );
    await rm(path);
    expect(await value.reload()).toBe(false);
    expect(value.current).toBe(1);
  });

  it("keeps the earlier value when the new one cannot be applied", async () => {
    const { path, value } = await open((next) => {
      if (next === 2) {
        throw new Error("two will not do");
      }
    });
    using _ = value;
    await writeFile(path, "2");
    expect(await value.reload()).toBe(false);
    expect(value.current).toBe(1);
  });

  it("sees a change made while it reads", async () => {
    const { path, value } = await open();
    using _ = value;
    const first = value.reload();
    await writeFile(path, "5");
    await Promise.all([first, value.reload()]);
    expect(value.current).toBe(5);
  });

  it("fails to open what cannot be read", async () => {
    const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const load = () => readFile(join(directory, "none"), "utf8");
    await expect(Reloadable.open({ what: "x", files: [], load, log })).rejects.toThrow("ENOENT");
  });
});
