import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { afterEach, expect, test } from "vitest";
import { Control, RunState, ringLayout } from "../../src/server/engine/shim/layout.ts";
import { acquireDaemonLock } from "../../src/server/engine/shim/lock.ts";
import { runPaths } from "../../src/server/engine/shim/paths.ts";
import { RingUnreadableError } from "../../src/server/engine/shim/ring-errors.ts";
import { Zygote } from "../../src/server/engine/shim/zygote.ts";
import { alive, Bench, type Run, shimPath, until, zygotePid } from "./run.ts";

const benches: Bench[] = [];
async function open(options: Parameters<typeof Bench.open>[0] = {}): Promise<Bench> {
  const bench = await Bench.open(options);
  benches.push(bench);
  return bench;
}
afterEach(async () => {
  for (const bench of benches.splice(0)) {
    await bench.close();
  }
});

test("a shim's death takes the process with it and is reported", async () => {
  const bench = await open();
  const run = await bench.sh("exec sleep 1000");
  const { childPid } = await run.running();
  process.kill(run.shimPid, "SIGKILL");
  expect(await bench.gone(run)).toEqual({ pid: run.shimPid, failure: null });
  await until("the process's end", () => !alive(childPid));
  expect(run.ring().header()).toMatchObject({ state: RunState.running, done: false });
  await expect(run.control(Control.killTree)).rejects.toThrow("gone");
});

test("a zygote's death under fifty writers costs nothing", async () => {
  const bench = await open();
  const runs: Run[] = [];
  for (let i = 0; i < 50; i++) {
    runs.push(await bench.sh(`echo begin; read x; seq 1 20000; exit ${i}`, { stdin: "pipe", outputLimit: 1 << 20 }));
  }
  await Promise.all(runs.map((run) => run.running()));
  const old = zygotePid(bench.dir);
  process.kill(old, "SIGKILL");
  // In flight while there is none, or a dying one.
  const late = bench.sh("echo late; exit 9");
  await until("another zygote", () => zygotePid(bench.dir) > 0 && zygotePid(bench.dir) !== old);
  expect(await (await late).done()).toMatchObject({ waitStatus: 9 << 8, written: 5 });
  await Promise.all(runs.map((run) => run.control(Control.closeStdin)));
  const expected = `begin\n${Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join("")}`;
  for (const [i, run] of runs.entries()) {
    expect((await run.done()).waitStatus).toBe(i << 8);
    expect(run.text()).toBe(expected);
    expect(await bench.gone(run)).toEqual({ pid: run.shimPid, failure: null });
  }
});

test("no zygote is ready before the shims of the last one have published their rings", async () => {
  const first = await open();
  const uuid = first.prepare(["true"]);
  const { spec } = runPaths(first.dir, uuid, 1);
  // A shim that waits in the middle: its spec comes through a FIFO.
  rmSync(spec);
  execFileSync("mkfifo", [spec]);
  const shim = await first.zygote.start(uuid, 1);
  const old = zygotePid(first.dir);
  first.abandon();
  await until("the old zygote's end", () => !alive(old));
  // What a zygote takes before it says that it is ready.
  const lock = `${first.dir}/zygote.lock`;
  expect(await acquireDaemonLock(lock, shimPath)).toBeNull();
  // The end of the file: no spec, and the shim exits.
  closeSync(openSync(spec, "w"));
  await until("the shim's end", () => !alive(shim));
  const free = await acquireDaemonLock(lock, shimPath);
  expect(free).toBeTypeOf("number");
  closeSync(Number(free));
  await open({ dir: first.dir });
});

test("a start whose ring cannot be read fails, and destroys nothing", async () => {
  const bench = await open();
  const uuid = bench.prepare(["true"]);
  const { ring } = runPaths(bench.dir, uuid, 1);
  const garbled = Buffer.alloc(8192, 7);
  writeFileSync(ring, garbled);
  // In flight when the zygote died: whether it had forked is for the ring to say.
  process.kill(zygotePid(bench.dir), "SIGKILL");
  await expect(bench.zygote.start(uuid, 1)).rejects.toThrow(RingUnreadableError);
  expect(readFileSync(ring).equals(garbled)).toBe(true);
});

test("the next daemon adopts what the last one left, and learns of what is gone", async () => {
  const first = await open();
  const run = await first.sh("read x; echo bye; exit 4", { stdin: "pipe" });
  const header = await run.running();
  const old = zygotePid(first.dir);
  first.abandon();
  await until("the old zygote's end", () => !alive(old));
  expect(alive(header.childPid)).toBe(true);
  const second = await open({ dir: first.dir });
  second.adopt(run, header.shimStart);
  const stranger = "11111111-2222-4333-8444-555555555555";
  second.zygote.adopt(stranger, 1, process.pid, 1n);
  expect(await second.goneOf(stranger, 1)).toEqual({ pid: process.pid, failure: null });
  await run.control(Control.closeStdin);
  expect(await second.goneOf(run.uuid, 1)).toEqual({ pid: run.shimPid, failure: null });
  expect(run.ring().header()).toMatchObject({ waitStatus: 4 << 8, done: true });
  expect(run.text()).toBe("bye\n");
});

test("starting a run again does nothing to it", async () => {
  const first = await open();
  const run = await first.sh("exec sleep 1000");
  const before = await run.running();
  expect(await first.zygote.start(run.uuid, 1)).toBe(run.shimPid);
  // A daemon that does not know of the run: its shim finds the ring and leaves.
  const old = zygotePid(first.dir);
  first.abandon();
  await until("the old zygote's end", () => !alive(old));
  const second = await open({ dir: first.dir });
  const other = await second.zygote.start(run.uuid, 1);
  expect(other).not.toBe(run.shimPid);
  expect(await second.goneOf(run.uuid, 1)).toEqual({ pid: other, failure: null });
  expect(run.ring().header()).toEqual(before);
  second.adopt(run, before.shimStart);
});

test("a header that a dying shim left half changed is read nevertheless", async () => {
  const bench = await open();
  const run = await bench.sh("exit 3");
  await run.done();
  await bench.gone(run);
  const fd = openSync(run.paths.ring, "r+");
  writeSync(fd, Uint8Array.of(0xff, 0, 0, 0), 0, 4, ringLayout.seq);
  closeSync(fd);
  for (let i = 0; i < 1000; i++) {
    expect(run.ring().header().waitStatus).toBe(3 << 8);
  }
});

test("an overflow of events loses no state and is made good", async () => {
  // The reader exists but does not read: 1 MiB holds some 43,000 events.
  const bench = await open({ listen: false });
  const fifo = openSync(`${bench.dir}/events`, constants.O_RDWR | constants.O_NONBLOCK);
  const filler = Buffer.alloc(4080, 0xff);
  try {
    for (;;) {
      writeSync(fifo, filler);
    }
  } catch {
    // Full to less than 4,080 bytes; now to less than one event.
  }
  try {
    for (;;) {
      writeSync(fifo, filler, 0, 24);
    }
  } catch {
    // Full.
  }
  const runs = await Promise.all([1, 2, 3].map((code) => bench.sh(`exit ${code}`)));
  for (const [i, run] of runs.entries()) {
    await until("the end", () => {
      try {
        return run.ring().header().done;
      } catch {
        return false;
      }
    });
    expect(run.ring().header().waitStatus).toBe((i + 1) << 8);
    // Still owes its event.
    expect(alive(run.shimPid)).toBe(true);
  }
  const bytes = Buffer.alloc(1 << 20);
  readSync(fifo, bytes);
  bench.listen();
  closeSync(fifo);
  await Promise.all(runs.map((run) => bench.gone(run)));
  await bench.when("the events owed", () => runs.every((run) => bench.kinds.some((e) => e.uuid === run.uuid)));
});

test("2,000 starts leave no descriptor and no zombie", async () => {
  const bench = await open();
  const zygote = zygotePid(bench.dir);
  const descriptors = (): number => readdirSync(`/proc/${zygote}/fd`).length;
  const before = descriptors();
  for (let batch = 0; batch < 20; batch++) {
    const runs = await Promise.all(
      Array.from({ length: 100 }, () => bench.start(["/bin/true"], { outputLimit: 4096 })),
    );
    await Promise.all(runs.map((run) => bench.gone(run)));
    for (const run of runs) {
      expect(run.ring().header()).toMatchObject({ waitStatus: 0, done: true });
      run.destroy();
    }
  }
  expect(descriptors()).toBe(before);
  expect(readFileSync(`/proc/${zygote}/task/${zygote}/children`, "utf8")).toBe("");
});

test("no shim holds a descriptor that is not its own", async () => {
  const bench = await open();
  const run = await bench.sh("exec sleep 1000");
  await run.running();
  const targets = readdirSync(`/proc/${run.shimPid}/fd`)
    .map((fd) => readlinkSync(`/proc/${run.shimPid}/fd/${fd}`).replace(/\d+/g, "").replace(/^.*\//, ""))
    .sort();
  expect(targets).toEqual(
    ["null", "null", "null", "events", "ring", "control", "anon_inode:[signalfd]", "pipe:[]", "pipe:[]"].sort(),
  );
});

test("one daemon a directory, until its descriptor closes", async () => {
  const bench = await open();
  const path = `${bench.dir}/daemon.lock`;
  const first = await acquireDaemonLock(path, shimPath);
  expect(first).toBeTypeOf("number");
  expect(await acquireDaemonLock(path, shimPath)).toBeNull();
  closeSync(Number(first));
  const second = await acquireDaemonLock(path, shimPath);
  closeSync(Number(second));
});

test("a shim that cannot be run is reported, not fatal", async () => {
  const warnings: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const zygote = new Zygote({
    shimPath: "/no/such/pm-shim",
    runtimeDir: "/",
    startLimitMs: 60_000,
    onGone: () => {},
    onWarning: (message) => {
      warnings.push(message);
      resolve();
    },
  });
  await promise;
  expect(warnings[0]).toMatch(/ENOENT/);
  const start = zygote.start("11111111-2222-4333-8444-555555555555", 1);
  zygote.close();
  await expect(start).rejects.toThrow("closed");
  await expect(zygote.ready()).rejects.toThrow("closed");
});
