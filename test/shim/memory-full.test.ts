import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Control, RunState, Step } from "../../src/server/engine/shim/layout.ts";
import { Bench } from "./run.ts";

const root = mkdtempSync(join(tmpdir(), "pm-full-"));
const mounts: string[] = [];

function mount(name: string, size: string): string {
  const dir = join(root, name);
  mkdirSync(dir);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=0700`, "tmpfs", dir], { stdio: "ignore" });
  mounts.push(dir);
  return dir;
}

function canMount(): boolean {
  try {
    mount("probe", "64k");
    return true;
  } catch (error) {
    if (process.env["CI"] === "true") {
      throw error;
    }
    return false;
  }
}

const skip = !canMount();

afterAll(() => {
  for (const dir of mounts) {
    // Lazily: a shim that is just ending may still have its directory open.
    execFileSync("umount", ["-l", dir]);
  }
  rmSync(root, { recursive: true });
});

/** Takes all the memory that is left. */
function fill(dir: string): string {
  const path = join(dir, "filler");
  const page = Buffer.alloc(4096, 1);
  writeFileSync(path, "");
  try {
    for (;;) {
      writeFileSync(path, page, { flag: "a" });
    }
  } catch {
    return path;
  }
}

test.skipIf(skip)("a full tmpfs (needs the right to mount one): the ring shrinks, output stays exact", async () => {
  const dir = mount("shrinks", "512k");
  const bench = await Bench.open({ dir });
  try {
    const file = join(root, "copy");
    const run = await bench.sh(`head -c 3000000 /dev/urandom | tee ${file}; exit 6`, { outputLimit: 64 << 20 });
    const header = await run.done();
    expect(header).toMatchObject({ state: RunState.exited, waitStatus: 6 << 8, written: 3_000_000, shrunk: true });
    expect(header.dataSize).toBeLessThan(512 * 1024);
    const first = run.ring().firstOffset();
    expect(3_000_000 - first).toBeGreaterThan(200_000);
    expect(run.output().equals(readFileSync(file).subarray(first))).toBe(true);
  } finally {
    await bench.close().catch(() => {});
  }
});

test.skipIf(skip)(
  "a tmpfs without a page (needs the right to mount one): running processes live, starts fail",
  async () => {
    const dir = mount("without", "256k");
    const bench = await Bench.open({ dir });
    try {
      const running = await bench.sh("read x; seq 1 100000; exit 3", { stdin: "pipe", outputLimit: 8 << 20 });
      await running.running();
      const refused = bench.prepare(["true"]);
      const later = bench.prepare(["true"]);
      const filler = fill(dir);
      const gone = bench.goneOf(refused, 1);
      await bench.launch(refused);
      expect((await gone).failure).toEqual({ step: Step.output, errno: constants.errno.ENOSPC });
      await running.control(Control.closeStdin);
      const header = await running.done();
      // One page of output is all there was.
      expect(header).toMatchObject({ waitStatus: 3 << 8, shrunk: true, dataSize: 4096, written: 588_895 });
      expect(running.text().endsWith("99999\n100000\n")).toBe(true);
      truncateSync(filler, 0);
      expect((await (await bench.launch(later)).done()).waitStatus).toBe(0);
    } finally {
      await bench.close().catch(() => {});
    }
  },
);
