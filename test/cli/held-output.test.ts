/** A foreground command writes all of a process's output, or says that it did not and fails. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomFillSync, randomUUID } from "node:crypto";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, vi } from "vitest";
import { sendControl } from "../../src/server/engine/shim/control.ts";
import { Control } from "../../src/server/engine/shim/layout.ts";
import { limitMs, type Pm, pmPath, test } from "./support/pm.ts";

const megabytes = 1024 * 1024;
vi.setConfig({ testTimeout: 6 * limitMs });

/** `pm` whose output is read only as the test asks, by `read`. */
interface Slow {
  readonly child: ChildProcess;
  readonly code: Promise<number | null>;
  readonly err: () => string;
  /** The digest of everything, and how many bytes there were. `pause` is awaited after each piece. */
  read(pause?: (bytes: number) => Promise<void> | void): Promise<{ digest: string; bytes: number }>;
}

function slowly(pm: Pm, args: readonly string[]): Slow {
  const child = spawn(pmPath, args, { stdio: ["ignore", "pipe", "pipe"], env: pm.env });
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  return {
    child,
    code: new Promise((resolve) => child.once("exit", resolve)),
    err: () => err,
    async read(pause = () => {}) {
      const hash = createHash("sha256");
      let bytes = 0;
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
        hash.update(chunk);
        bytes += chunk.length;
        await pause(bytes);
      }
      return { digest: hash.digest("hex"), bytes };
    },
  };
}

/** A file of random bytes in the directory of `pm`. */
function randomFile(pm: Pm, size: number): { path: string; digest: string; bytes: number } {
  const path = join(pm.runtimeDir, "random");
  const hash = createHash("sha256");
  const fd = openSync(path, "w");
  const piece = Buffer.alloc(megabytes);
  for (let bytes = 0; bytes < size; bytes += piece.length) {
    randomFillSync(piece);
    hash.update(piece);
    writeSync(fd, piece);
  }
  closeSync(fd);
  return { path, digest: hash.digest("hex"), bytes: size };
}

function stateOf(pid: number | undefined): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2)[0] ?? "";
}

describe("C1 pm run writes everything", () => {
  test("a flood from the first moment, into a pipe", async ({ pm }) => {
    await pm.ok(["daemon", "start"]);
    const counted = await pm.shell("pm run -- seq 1 3000000 | wc -lc");
    expect(counted).toMatchObject({ code: 0, err: "" });
    expect(counted.out.trim()).toMatch(/^3000000 +22888896$/);
  });

  test("a hundred megabytes, as fast as they are read", async ({ pm }) => {
    const file = randomFile(pm, 100 * megabytes);
    await pm.ok(["daemon", "start"]);
    const compared = await pm.shell(`pm run --rm -- cat ${file.path} | cmp - ${file.path}`);
    expect(compared).toMatchObject({ code: 0, out: "", err: "" });
  });

  test("to a slow reader, who slows the process and loses nothing", async ({ pm }) => {
    const file = randomFile(pm, 100 * megabytes);
    const run = slowly(pm, ["run", "--output-limit", "1MiB", "--", "cat", file.path]);
    let pauses = 0;
    const read = await run.read(async (bytes) => {
      if (bytes > pauses * 5 * megabytes) {
        pauses++;
        await sleep(20);
      }
    });
    expect(read).toEqual({ digest: file.digest, bytes: file.bytes });
    expect(await run.code).toBe(0);
    expect(run.err()).not.toContain("missing");
  });

  test("although the daemon is killed twice meanwhile", async ({ pm }) => {
    const file = randomFile(pm, 100 * megabytes);
    const run = slowly(pm, ["run", "--", "cat", file.path]);
    const kills = [10 * megabytes, 60 * megabytes];
    const read = await run.read(async (bytes) => {
      if (bytes > (kills[0] ?? Number.POSITIVE_INFINITY)) {
        kills.shift();
        process.kill(await pm.daemonPid(), "SIGKILL");
      }
    });
    expect(read).toEqual({ digest: file.digest, bytes: file.bytes });
    expect([await run.code, kills]).toEqual([0, []]);
  });

  test("suspended with Ctrl-Z and continued", async ({ pm }) => {
    const file = randomFile(pm, 20 * megabytes);
    const run = slowly(pm, ["run", "--", "cat", file.path]);
    let suspended = false;
    const read = await run.read(async (bytes) => {
      if (suspended || bytes < 2 * megabytes) {
        return;
      }
      suspended = true;
      run.child.kill("SIGTSTP");
      await vi.waitUntil(() => stateOf(run.child.pid) === "T", { timeout: limitMs, interval: 20 });
      run.child.kill("SIGCONT");
    });
    expect(read).toEqual({ digest: file.digest, bytes: file.bytes });
    expect([await run.code, suspended]).toEqual([0, true]);
  });

  test("that was in the pipes when the process ended, although children live on", async ({ pm }) => {
    const file = randomFile(pm, 4 * megabytes);
    const script = `sleep 600 & cat ${file.path}`;
    const run = slowly(pm, ["run", "--output-limit", "64KiB", "--", "sh", "-c", script]);
    // Nobody reads until the rest of it waits in the pipes.
    const read = await run.read((bytes) => (bytes < megabytes ? sleep(20) : undefined));
    expect(read).toEqual({ digest: file.digest, bytes: file.bytes });
    expect([await run.code, run.err()]).toEqual([0, expect.stringContaining("still running")]);
  });
});

describe("C1 what could not be written", () => {
  test("is said, and run fails", async ({ pm }) => {
    const id = randomUUID();
    // While pm is stopped and its daemon dead, the hold runs out: what fits no more is dropped.
    const script = "seq 1 3000000; sleep 1";
    const run = slowly(pm, ["run", "--id", id, "-n", "x", "--output-limit", "64KiB", "--", "sh", "-c", script]);
    await vi.waitUntil(async () => (await pm(["status", "x"])).code === 0, { timeout: limitMs });
    run.child.kill("SIGSTOP");
    process.kill(await pm.daemonPid(), "SIGKILL");
    // After five minutes in life.
    sendControl(join(pm.runtimeDir, "p", id, "1", "control"), { type: Control.hold, seq: 0xfffd, a: 0, b: 0 });
    expect(await pm(["wait", "x"])).toMatchObject({ code: 0 });
    run.child.kill("SIGCONT");
    await run.read();
    expect(await run.code).toBe(125);
    expect(run.err()).toMatch(/the output is not complete: \d+ bytes were dropped/);
  });

  test("is said, and attach fails", async ({ pm }) => {
    const script = "echo ready; read x; seq 1 3000000";
    const id = await pm.ok(["start", "--stdin", "--output-limit", "4KiB", "--", "sh", "-c", script]);
    const attached = slowly(pm, ["attach", "--no-stdin", id]);
    let begun = false;
    // Once it is attached nobody reads until the process has ended.
    const { bytes } = await attached.read(async () => {
      if (begun) return;
      begun = true;
      expect(await pm(["send", id], { input: "go\n" })).toMatchObject({ code: 0 });
      expect(await pm(["wait", id])).toMatchObject({ code: 0 });
    });
    expect(bytes).toBeLessThan(22_888_896);
    expect(await attached.code).toBe(125);
    expect(attached.err()).toMatch(/the output is not complete/);
  });
});

describe("a run that is held by one", () => {
  test("is followed by another, without a hold", async ({ pm }) => {
    await pm.ok(["daemon", "start"]);
    const run = pm.spawn(["run", "-n", "both", "--", "sh", "-c", "echo first; sleep 600"]);
    await run.saw("first");
    const beside = pm.spawn(["attach", "--no-stdin", "both"]);
    await beside.saw("first");
    expect(await pm(["stop", "both"])).toMatchObject({ code: 0 });
    expect(await run.ended).toMatchObject({ code: 143, out: "first\n", err: "" });
    expect(await beside.ended).toMatchObject({ code: 143, out: "first\n", err: "" });
  });
});
