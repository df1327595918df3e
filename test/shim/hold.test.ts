import { createHash } from "node:crypto";
import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Control, EventKind, HOLD_MOST_MS, RunState } from "../../src/server/engine/shim/layout.ts";
import { buildProgram } from "./compile.ts";
import { alive, Bench, type Run, until } from "./run.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench.close());

const EINVAL = 22;
const HOUR_MS = 3_600_000;

/** Starts a run that waits until the first hold is in place. */
async function held(script: string, outputLimit: number, options: { terminal?: boolean } = {}): Promise<Run> {
  const gate = join(bench.dir, `gate-${Math.random()}`);
  const run = await bench.sh(`while [ ! -e ${gate} ]; do sleep 0.01; done; ${script}`, {
    outputLimit,
    terminal: options.terminal === true ? { rows: 24, columns: 80 } : null,
  });
  await run.running();
  expect(await run.control(Control.hold, HOUR_MS)).toBe(0);
  closeSync(openSync(gate, "w"));
  return run;
}

async function untilFull(run: Run): Promise<void> {
  await run.header("the ring to be full", (h) => h.holding);
}

/** Takes what is there, tells so, and goes on to the end: what a holder does. */
async function takeAll(run: Run, sink: (data: Buffer) => void, from = 0, most = 8192): Promise<number> {
  let at = from;
  for (;;) {
    const read = run.ring().read(at, most);
    expect(read.gap).toBeNull();
    for (const chunk of read.chunks) {
      sink(chunk.data);
    }
    if (read.nextOffset > at) {
      at = read.nextOffset;
      // No answer from a shim that has said its last word meanwhile.
      if (!run.ring().header().done) {
        await run.control(Control.hold, HOUR_MS, 0, at).catch(() => 0);
      }
      continue;
    }
    const header = await run.header("more output", (h) => h.done || h.written > at);
    if (header.done && header.written === at) {
      return at;
    }
  }
}

test("a slow holder gets every byte, many times the size of the ring", async () => {
  const file = join(bench.dir, "slow");
  const run = await held(`head -c 3000000 /dev/urandom | tee ${file}`, 65_536);
  await untilFull(run);
  const hash = createHash("sha256");
  expect(await takeAll(run, (data) => hash.update(data))).toBe(3_000_000);
  expect(hash.digest("hex")).toBe(createHash("sha256").update(readFileSync(file)).digest("hex"));
  expect(run.ring().header().waitStatus).toBe(0);
});

test("a flood into a large ring is held without a byte lost", async () => {
  const file = join(bench.dir, "flood");
  const run = await held(`head -c 50000000 /dev/urandom | tee ${file}`, 8 << 20);
  await untilFull(run);
  const hash = createHash("sha256");
  expect(await takeAll(run, (data) => hash.update(data), 0, 1 << 20)).toBe(50_000_000);
  expect(hash.digest("hex")).toBe(createHash("sha256").update(readFileSync(file)).digest("hex"));
});

test("both streams in tiny pieces: no entry of the index is dropped either", async () => {
  const run = await held(`exec ${buildProgram("alternate")} 2000`, 4096);
  await untilFull(run);
  // Far from full of bytes: 256 entries are what it has.
  expect(run.ring().header()).toMatchObject({ entryCount: 256, indexSize: 256 });
  const pieces: Buffer[] = [];
  await takeAll(run, (data) => pieces.push(data));
  const lines = Buffer.concat(pieces).toString().trim().split("\n");
  const numbers = Array.from({ length: 2000 }, (_, i) => i + 1);
  expect(lines.filter((line) => line.startsWith("o"))).toEqual(numbers.map((i) => `o${i}`));
  expect(lines.filter((line) => line.startsWith("e"))).toEqual(numbers.map((i) => `e${i}`));
});

test("a terminal is held as well", async () => {
  const run = await held("stty -opost; seq 1 60000", 4096, { terminal: true });
  await untilFull(run);
  const pieces: Buffer[] = [];
  await takeAll(run, (data) => pieces.push(data));
  expect(Buffer.concat(pieces).toString()).toBe(Array.from({ length: 60_000 }, (_, i) => `${i + 1}\n`).join(""));
});

test("a full ring is announced, and its header tells who holds what", async () => {
  const run = await held("yes | head -c 1000000", 4096);
  await untilFull(run);
  await bench.when("the event", () => bench.kinds.some((e) => e.uuid === run.uuid && (e.kinds & EventKind.hold) !== 0));
  const header = run.ring().header();
  expect(header).toMatchObject({ holdOffset: 0, holding: true, state: RunState.running });
  expect(header.holdDeadline).toBeGreaterThan(0n);
  expect(run.ring().firstOffset()).toBe(0);
  expect(await run.control(Control.hold, HOUR_MS, 0, header.written + 1)).toBe(EINVAL);
  expect(await run.control(Control.hold, HOUR_MS, 0, 1000)).toBe(0);
  expect(run.ring().header()).toMatchObject({ holdOffset: 1000 });
  await run.control(Control.killTree);
  await run.control(Control.hold, 0);
  await run.done();
});

test("after its deadline a hold is over, and the oldest is dropped as ever", async () => {
  const run = await held("yes | head -c 1000000", 4096);
  await untilFull(run);
  // Nobody takes anything any more.
  expect(await run.control(Control.hold, 50, 0, 0)).toBe(0);
  const header = await run.done();
  expect(header).toMatchObject({ written: 1_000_000, holdDeadline: 0n, holding: false });
  expect(run.ring().firstOffset()).toBeGreaterThan(0);
});

test("a run that is held from the first keeps what came before its holder", async () => {
  const run = await bench.sh("seq 1 60000", { outputLimit: 4096, holdMs: HOLD_MOST_MS });
  await untilFull(run);
  expect(run.ring().header()).toMatchObject({ holdOffset: 0 });
  expect(run.ring().firstOffset()).toBe(0);
  const pieces: Buffer[] = [];
  await takeAll(run, (data) => pieces.push(data));
  expect(Buffer.concat(pieces).toString()).toBe(Array.from({ length: 60_000 }, (_, i) => `${i + 1}\n`).join(""));
});

test("a run for which no holder comes is held no longer than it was to be", async () => {
  const run = await bench.sh("yes | head -c 1000000", { outputLimit: 4096, holdMs: 50 });
  expect(await run.done()).toMatchObject({ written: 1_000_000, holdDeadline: 0n, holding: false });
  expect(run.ring().firstOffset()).toBeGreaterThan(0);
});

test("a hold can be ended", async () => {
  const run = await held("yes | head -c 1000000", 4096);
  await untilFull(run);
  expect(await run.control(Control.hold, 0)).toBe(0);
  expect(await run.done()).toMatchObject({ written: 1_000_000, holdDeadline: 0n, holding: false });
});

test("a hold that comes late holds what is still kept", async () => {
  const run = await bench.sh("yes | head -c 500000; read x; yes | head -c 500000", {
    outputLimit: 4096,
    stdin: "pipe",
  });
  await run.header("the first half", (h) => h.written === 500_000);
  expect(await run.control(Control.hold, HOUR_MS, 0, 3)).toBe(0);
  // Not before: the shim may have made room for more than there was to read.
  const first = run.ring().firstOffset();
  expect(first).toBeLessThan(500_000);
  expect(run.ring().header().holdOffset).toBe(first);
  await run.control(Control.closeStdin);
  await untilFull(run);
  expect(run.ring().firstOffset()).toBe(first);
  expect(await takeAll(run, () => {}, first)).toBe(1_000_000);
});

test("what a killed process had written is kept in the pipe until the holder takes it", async () => {
  const run = await held("exec sleep 1000", 4096);
  const piece = Buffer.alloc(8000, "0123456789");
  const foreign = openSync(`/proc/${run.ring().header().childPid}/fd/1`, constants.O_WRONLY | constants.O_NONBLOCK);
  let sent = 0;
  // Until the ring is full, and then the pipe.
  await until("a full pipe", () => {
    try {
      // A part of a piece may be all there is room for.
      sent += writeSync(foreign, piece, sent % 10);
      return false;
    } catch {
      return run.ring().header().holding;
    }
  });
  closeSync(foreign);
  process.kill(run.ring().header().childPid, "SIGKILL");
  const header = await run.header("the tree's end", (h) => h.treeGone);
  expect(header).toMatchObject({ state: RunState.exited, waitStatus: 9, outputComplete: false, done: false });
  expect(header).toMatchObject({ holding: true });
  expect(sent).toBeGreaterThan(header.written);
  const taken: Buffer[] = [];
  expect(await takeAll(run, (data) => taken.push(data))).toBe(sent);
  expect(Buffer.concat(taken).equals(Buffer.alloc(sent, piece))).toBe(true);
  expect(run.ring().header()).toMatchObject({ outputComplete: true });
});

test("a tree is killed while its output is held", async () => {
  const run = await held("trap '' TERM; (trap '' TERM; yes) & yes", 4096);
  await untilFull(run);
  await run.control(Control.killTree);
  const header = await run.header("the tree's end", (h) => h.treeGone);
  expect(header).toMatchObject({ waitStatus: 9, done: false });
  // Nobody takes it: at the deadline the shim ends.
  await run.control(Control.hold, 30);
  expect(await run.done()).toMatchObject({ outputComplete: true });
  await until("the shim's end", () => !alive(run.shimPid));
});

test("RELEASE takes what is in the pipes, as the holder makes room", async () => {
  const run = await held("exec sleep 1000", 4096);
  const foreign = openSync(`/proc/${run.ring().header().childPid}/fd/1`, "w");
  try {
    await run.control(Control.killTree);
    await run.header("the tree's end", (h) => h.treeGone);
    const piece = Buffer.alloc(50_000, "0123456789");
    writeSync(foreign, piece);
    await run.header("the first piece", (h) => h.written === 50_000);
    writeSync(foreign, piece);
    await untilFull(run);
    expect(await run.control(Control.release)).toBe(0);
    expect(run.ring().header().done).toBe(false);
    const taken: Buffer[] = [];
    expect(await takeAll(run, (data) => taken.push(data))).toBe(100_000);
    expect(Buffer.concat(taken).equals(Buffer.concat([piece, piece]))).toBe(true);
  } finally {
    closeSync(foreign);
  }
});
