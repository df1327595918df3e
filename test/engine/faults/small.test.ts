import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test, vi } from "vitest";
import { isName } from "../../../src/common/contract-rules.ts";
import { everything } from "../../../src/server/engine/api/list.ts";
import { type Clock, systemClock } from "../../../src/server/engine/clock.ts";
import { prepareRuntimeDirectory } from "../../../src/server/engine/lifecycle/runtime-directory.ts";
import { InputQueue } from "../../../src/server/engine/process/input-queue.ts";
import { fillSpace, smallFileSystem } from "../../support/small-file-system.ts";
import {
  alive,
  complete,
  emptyDirectory,
  limit,
  open,
  parentOf,
  reasonOf,
  refused,
  runtimeDirectory,
  shell,
  somebody,
  spec,
  start,
  stopDefaults,
  text,
  untilOutput,
} from "../harness.ts";

/** A clock that somebody sets; the other one goes on. */
class SteppedClock implements Clock {
  stepMs = 0;

  wall(): bigint {
    return systemClock.wall() + BigInt(this.stepMs) * 1_000_000n;
  }

  boot(): number {
    return systemClock.boot();
  }
}

describe("F13 a stopped shim", () => {
  test("is continued when something is asked of it", async () => {
    const engine = await open();
    const { id, pid } = await start(engine, shell("echo ready; exec sleep 1000"));
    await untilOutput(engine, id, "ready\n");
    process.kill(parentOf(pid), "SIGSTOP");
    expect(await engine.stop(id, { ...stopDefaults, force: true })).toMatchObject({
      stopped: true,
      process: { exit: { signal: 15 } },
    });
    expect(alive(pid)).toBe(false);
  });

  test("sends a signal once", async () => {
    const engine = await open();
    const script = "trap 'echo got' USR1; echo ready; while :; do sleep 0.02; done";
    const { id, pid } = await start(engine, shell(script));
    await untilOutput(engine, id, "ready\n");
    process.kill(parentOf(pid), "SIGSTOP");
    await engine.signal(id, "SIGUSR1", "main");
    await untilOutput(engine, id, "got\n");
    await engine.stop(id, { ...stopDefaults, force: true });
    expect(await text(engine, id)).toBe("ready\ngot\n");
  });
});

describe("F15 clock steps", () => {
  test("one hour back: the order of the list stays, for the next daemon too", async () => {
    const runtimeDir = runtimeDirectory();
    const clock = new SteppedClock();
    const engine = await open({ runtimeDir, clock });
    const first = await complete(engine, spec("true"));
    clock.stepMs = -3_600_000;
    const second = await complete(engine, spec("true"));
    expect(second.createTime).toBeLessThan(first.createTime);
    const ids = async (bench: typeof engine) =>
      (await bench.list(everything, { size: 10, token: "" })).processes.map(({ id }) => id);
    expect(await ids(engine)).toEqual([first.id, second.id]);
    await engine.close();
    expect(await ids(await open({ runtimeDir, clock }))).toEqual([first.id, second.id]);
  });

  test("one hour forward: nothing is pruned early, and grace periods are as long as they were", async () => {
    const clock = new SteppedClock();
    const engine = await open({ clock, retention: { ageMs: 1_800_000 } });
    const { id } = await complete(engine, spec("true"));
    clock.stepMs = 3_600_000;
    expect((await engine.prune(everything, 60_000, true)).ids).toEqual([]);
    // A later end makes retention look.
    await complete(engine, spec("true"));
    const { id: third } = await start(
      engine,
      shell("trap 'sleep 0.2; exit 7' TERM; echo ready; while :; do sleep 0.02; done"),
    );
    await untilOutput(engine, third, "ready\n");
    const stopped = await engine.stop(third, { signal: "", graceMs: 20_000, force: true });
    expect(stopped.process.exit).toMatchObject({ code: 7 });
    expect(engine.get(id).state).toBe("exited");
  });

  test("a run's end is its start and the time that passed", async () => {
    const engine = await open();
    const { startTime, exitTime } = await complete(engine, spec("sleep", ["0.05"]));
    expect(Number((exitTime ?? 0n) - (startTime ?? 0n)) / 1e6).toBeGreaterThanOrEqual(49);
  });
});

describe("F16 canceled writes", () => {
  test("free their data, and their place", async () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const engine = await open();
    const { id } = await start(engine, spec("sleep", ["1000"], { stdin: "pipe" }));
    const blocking = engine.writeInput(id, Buffer.alloc(1024 * 1024), false, limit()).catch(() => {});
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 100; round++) {
      const caller = new AbortController();
      const writes = [1, 2, 3, 4].map(() => engine.writeInput(id, Buffer.alloc(1024 * 1024), false, caller.signal));
      const ended = Promise.allSettled(writes);
      caller.abort(new Error("canceled"));
      expect((await ended).map(({ status }) => status)).toEqual(new Array(4).fill("rejected"));
    }
    // What the collector finds in one pass it frees in a later one, beside the program.
    await vi.waitFor(
      () => {
        collect();
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
      },
      { timeout: 30_000, interval: 50 },
    );
    await engine.stop(id, stopDefaults);
    await blocking;
  });

  test("leave the others in their order", async () => {
    const queue = new InputQueue();
    const done: number[] = [];
    const first = Promise.withResolvers<void>();
    const caller = new AbortController();
    const signal = new AbortController().signal;
    const runs = [
      queue.run(() => first.promise.then(() => void done.push(1)), signal),
      queue.run(async () => void done.push(2), caller.signal),
      queue.run(async () => void done.push(3), signal),
    ];
    const settled = Promise.allSettled(runs);
    expect(queue.length).toBe(3);
    caller.abort(new Error("canceled"));
    expect(queue.length).toBe(2);
    first.resolve();
    expect((await settled).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(done).toEqual([1, 3]);
    expect(queue.length).toBe(0);
  });
});

test("F18 a list is of what is true now: what has just ended is not listed as running", async () => {
  const engine = await open();
  const { id, pid } = await start(engine, spec("sleep", ["1000"]));
  const shim = parentOf(pid);
  process.kill(pid, "SIGKILL");
  // The shim is gone once it has said all; no event needs to have come.
  while (alive(shim)) await new Promise((resolve) => setImmediate(resolve));
  const { processes, totalSize } = await engine.list({ ...everything, states: ["running"] }, { size: 10, token: "" });
  expect([processes, totalSize]).toEqual([[], 0]);
  expect(engine.get(id).state).toBe("exited");
});

test("F19 what was waited for can be removed at once", async () => {
  const engine = await open();
  for (let round = 0; round < 300; round++) {
    const { id } = await start(engine, spec("true"));
    await engine.wait(id, "exited", 0, limit());
    await engine.remove(id, false);
  }
  expect((await engine.list(everything, { size: 10, token: "" })).totalSize).toBe(0);
});

describe("C8 ended processes", () => {
  test("are kept by total memory, the latest ones", async () => {
    const engine = await open({ retention: { bytes: 3_000_000 } });
    const ids: string[] = [];
    for (let index = 0; index < 8; index++) {
      ids.push((await complete(engine, shell("head -c 1000000 /dev/zero", { outputLimitBytes: 1_000_000 }))).id);
    }
    const listed = async () => (await engine.list(everything, { size: 10, token: "" })).processes.map(({ id }) => id);
    while ((await listed()).length > 2) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await listed()).toEqual(ids.slice(6));
  });

  test("make room for a start when there is none, the oldest first", async (context) => {
    const base = smallFileSystem("size=8m");
    if (base === null) return context.skip("mounting a tmpfs needs privileges");
    const runtimeDir = join(base, "run");
    prepareRuntimeDirectory(runtimeDir);
    const engine = await open({ runtimeDir });
    const ended: string[] = [];
    for (let index = 0; index < 4; index++) {
      ended.push((await complete(engine, shell("head -c 1000000 /dev/zero", { outputLimitBytes: 1_000_000 }))).id);
    }
    fillSpace(join(base, "ballast"));
    const { id } = await start(engine, shell("echo here; exec sleep 1000"));
    await untilOutput(engine, id, "here\n");
    expect(await reasonOf(() => engine.get(ended[0] ?? ""))).toBe("PROCESS_NOT_FOUND");
    expect(engine.get(ended[3] ?? "").state).toBe("exited");
    rmSync(join(base, "ballast"));
    await engine.close();
    await emptyDirectory(runtimeDir);
  });
});

test("C16 what is left of an ended process is told", async () => {
  const engine = await open();
  const { id } = await start(engine, shell("setsid sleep 60 & exit 3"));
  const ended = await engine.wait(id, "exited", 0, limit());
  expect(ended).toMatchObject({ state: "exited", exit: { code: 3 }, treeAlive: true });
  const error = await refused(engine.remove(id, false));
  expect(error.reason).toBe("STILL_RUNNING");
  expect(error.metadata["pids"]).toMatch(/^\d+$/);
  expect(await engine.stop(id, stopDefaults)).toMatchObject({ stopped: true });
});

test("F18 what a shim does not take is refused as what it is, and is not done later", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const { id } = await start(engine, spec("cat", [], { stdin: "pipe" }));
  // A FIFO that somebody else reads: messages go nowhere, as with a shim that hangs.
  const fifo = join(runtimeDir, "p", id, "1/control");
  rmSync(fifo);
  expect(spawnSync("mkfifo", ["-m", "600", fifo]).status).toBe(0);
  const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const asked = [
    engine.signal(id, "SIGTERM", "main"),
    engine.engine.writeInput({ id }, { data: Buffer.alloc(0), close: true, inputOffset: null }, somebody, limit()),
  ];
  const refusals = await Promise.all(asked.map((work) => refused(work)));
  expect(refusals.map(({ reason, metadata }) => [reason, metadata])).toEqual([
    ["SUPERVISOR_UNRESPONSIVE", { id }],
    ["SUPERVISOR_UNRESPONSIVE", { id }],
  ]);
  closeSync(reader);
  rmSync(fifo);
  await engine.writeInput(id, Buffer.from("on\n"), false, limit());
  await untilOutput(engine, id, "on\n");
  expect(engine.get(id).state).toBe("running");
  expect(await engine.stop(id, stopDefaults)).toMatchObject({ stopped: true });
});

test("what one shim is asked for at once is done one after the other, and each is told of its own", async () => {
  const engine = await open();
  const script = "trap 'n=$((n+1))' USR1; echo ready; while :; do sleep 0.01; done";
  const { id } = await start(engine, shell(script, { stdin: "pipe" }));
  await untilOutput(engine, id, "ready\n");
  const asked = Array.from({ length: 40 }, (_, index) =>
    engine.signal(id, index % 2 === 0 ? "SIGUSR1" : "SIGWINCH", "main"),
  );
  const outcomes = await Promise.allSettled(asked);
  expect(outcomes.filter(({ status }) => status === "rejected")).toEqual([]);
  await engine.stop(id, { ...stopDefaults, force: true });
});

test("C17 no name looks like a UUID", () => {
  const uuid = "abadcafe-0000-4000-8000-000000000001";
  expect([uuid, uuid.toUpperCase(), `${uuid}x`, "web"].map(isName)).toEqual([false, false, true, true]);
});

test("what a start that failed could not delete does not stand in the way of the next one", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const id = "0badcafe-0000-4000-8000-000000000001";
  const failed = engine.start({ id, spec: spec("/nonexistent") });
  expect(await reasonOf(failed)).toBe("START_FAILED");
  // As it is left where no descriptor was free to delete it.
  mkdirSync(join(runtimeDir, "p", id, "1"), { recursive: true });
  expect((await engine.start({ id, spec: shell("echo here") })).process.id).toBe(id);
  expect(engine.info().setAside).toEqual([]);
  // What nobody knows is moved, not deleted.
  const other = "0badcafe-0000-4000-8000-000000000002";
  mkdirSync(join(runtimeDir, "p", other));
  writeFileSync(join(runtimeDir, "p", other, "thesis"), "years of work");
  await engine.start({ id: other, spec: shell("echo here") });
  const [aside] = engine.info().setAside;
  expect(readFileSync(join(aside?.path ?? "", "thesis"), "utf8")).toBe("years of work");
});
