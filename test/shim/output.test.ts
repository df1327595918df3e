import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Control, EventKind, Stream } from "../../src/server/engine/shim/layout.ts";
import { writeStdin } from "../../src/server/engine/shim/stdin.ts";
import { buildProgram } from "./compile.ts";
import { Bench } from "./run.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench.close());

function sha256(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

test("a ring that holds all of it returns binary output exactly", async () => {
  const file = join(bench.dir, "large");
  const run = await bench.sh(`head -c 20000000 /dev/urandom | tee ${file}`, { outputLimit: 20_000_768 });
  const header = await run.done();
  expect(header).toMatchObject({ written: 20_000_000, stdoutBytes: 20_000_000 });
  expect(run.ring().firstOffset()).toBe(0);
  expect(run.sha256()).toBe(sha256(readFileSync(file)));
});

test("a ring that wrapped returns at least its limit, exactly, and tells the gap", async () => {
  const file = join(bench.dir, "wrapped");
  const run = await bench.sh(`head -c 5000001 /dev/urandom | tee ${file}`, { outputLimit: 1 << 20 });
  await run.done();
  const first = run.ring().firstOffset();
  expect(5_000_001 - first).toBeGreaterThanOrEqual(1 << 20);
  expect(run.output().equals(readFileSync(file).subarray(first))).toBe(true);
  expect(run.ring().read(3, 10)).toMatchObject({ gap: { from: 3, to: first } });
});

// The larger one does not fit into a cache: the shim writes it in another way.
test.each([1 << 16, 8 << 20])("a reader that follows a flood never sees a torn byte, ring of %i", async (limit) => {
  // Each 8-byte record says at which offset it stands.
  const program = `let i = 0; const b = Buffer.alloc(65536);
    const { writeSync } = require("fs");
    for (; i < 100e6;) { for (let j = 0; j < 65536; j += 8, i += 8) b.writeDoubleLE(i, j);
      for (let k = 0; k < 65536;) k += writeSync(1, b, k); }`;
  const run = await bench.start([process.execPath, "-e", program], { outputLimit: limit });
  await run.running();
  let at = 0;
  let seen = 0;
  let lost = 0;
  for (;;) {
    const header = run.ring().header();
    const read = run.ring().read(at, 1 << 16);
    lost += read.gap ? read.gap.to - read.gap.from : 0;
    for (const chunk of read.chunks) {
      for (let i = (8 - (chunk.offset % 8)) % 8; i + 8 <= chunk.data.length; i += 8) {
        if (chunk.data.readDoubleLE(i) !== chunk.offset + i) {
          throw new Error(`torn at ${chunk.offset + i}`);
        }
      }
      seen += chunk.data.length;
    }
    at = read.nextOffset;
    if (header.done && at === header.written) {
      break;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(seen + lost).toBe(at);
  expect(seen).toBeGreaterThan(0);
});

test("many small entries are evicted as whole entries", async () => {
  const run = await bench.start(
    [
      process.execPath,
      "-e",
      `const { writeSync } = require("fs"); const pause = new Int32Array(new SharedArrayBuffer(4));
        for (let i = 0; i < 800; i++) { writeSync(1 + (i % 2), i + "\\n"); Atomics.wait(pause, 0, 0, 0.5); }`,
    ],
    { outputLimit: 4096 },
  );
  const header = await run.done();
  expect(header).toMatchObject({ waitStatus: 0, indexSize: 256 });
  const first = run.ring().firstOffset(header);
  expect(first).toBeGreaterThan(0);
  const chunks = run.chunks(first);
  expect(chunks[0]?.offset).toBe(first);
  let next = first;
  for (const chunk of chunks) {
    expect(chunk.offset).toBe(next);
    next += chunk.data.length;
  }
  expect(next).toBe(header.written);
});

test("the start of the last lines, and of a time", async () => {
  const run = await bench.sh(`${buildProgram("alternate")} 5; printf open`);
  const header = await run.done();
  const ring = run.ring();
  const from = async (lines: number, streams: (1 | 2 | 3)[] = []): Promise<string> =>
    run.text().slice(await ring.tailLines(lines, streams));
  expect(await from(0)).toBe("");
  expect(await from(1)).toBe("open");
  expect(await from(3)).toBe("o5\ne5\nopen");
  expect(await from(2, [Stream.stderr])).toBe("e4\no5\ne5\nopen");
  expect(await from(100)).toBe(run.text());
  expect(ring.offsetSince(0n)).toBe(0);
  expect(ring.offsetSince(header.finished + 1_000_000_000n)).toBe(header.written);
  const third = run.chunks()[2];
  expect(ring.offsetSince(BigInt(third?.timeMicros ?? 0) * 1000n)).toBe(third?.offset);
});

test("the last lines of output longer than a window", async () => {
  const run = await bench.sh("seq 1 200000", { outputLimit: 4 << 20 });
  await run.done();
  const text = run.text();
  const at = await run.ring().tailLines(150_000, []);
  expect(text.slice(at).split("\n").length - 1).toBe(150_000);
  expect(text.slice(at, at + 6)).toBe("50001\n");
});

test("output events come when asked for, and not otherwise", async () => {
  const run = await bench.sh("read x; echo one; read x; echo two; read x", { stdin: "pipe" });
  await run.running();
  const signal = new AbortController().signal;
  const mine = (): number =>
    bench.kinds.filter((e) => e.uuid === run.uuid && (e.kinds & EventKind.output) !== 0).length;
  run.ring().arm();
  await writeStdin(run.paths.stdin, Buffer.from("\n"), signal);
  await bench.when("an output event", () => mine() === 1);
  await writeStdin(run.paths.stdin, Buffer.from("\n"), signal);
  await writeStdin(run.paths.stdin, Buffer.from("\n"), signal);
  // `done` would ask for output: wait without.
  await bench.gone(run);
  expect(run.text()).toBe("one\ntwo\n");
  expect(mine()).toBe(1);
});

test("an idle ring takes little memory", async () => {
  const run = await bench.sh("exec sleep 1000", { outputLimit: 64 << 20 });
  await run.running();
  expect(run.ring().allocatedBytes()).toBeLessThanOrEqual(16_384);
  await run.control(Control.killTree);
  await run.done();
});

test("RELEASE keeps all that is in the pipes", async () => {
  const run = await bench.sh("exec sleep 1000", { outputLimit: 4096 });
  const { childPid } = await run.running();
  const foreign = [1, 2].map((fd) => openSync(`/proc/${childPid}/fd/${fd}`, "w"));
  await run.control(Control.killTree);
  await run.header("the tree's end", (h) => h.treeGone);
  // Stopped, the shim finds the message and the full pipes at the same moment.
  process.kill(run.shimPid, "SIGSTOP");
  const full = Buffer.alloc(65_536, "x");
  for (const fd of foreign) {
    expect(writeSync(fd, full)).toBe(full.length);
  }
  const released = run.control(Control.release);
  process.kill(run.shimPid, "SIGCONT");
  await released;
  expect(await run.done()).toMatchObject({ stdoutBytes: 65_536, stderrBytes: 65_536, outputComplete: true });
  for (const fd of foreign) {
    closeSync(fd);
  }
});

test("a pipe is grown for a flood, and given back when it is over", async () => {
  const run = await bench.start([buildProgram("pipe-size")]);
  // 64 KiB at first, 1 MiB, and 64 KiB again: the program waits for each.
  expect((await run.done()).waitStatus).toBe(0);
});

test("a flood on one stream does not keep back the other", async () => {
  const run = await bench.sh("yes & while read x; do echo $x >&2; done", { outputLimit: 64 << 20, stdin: "pipe" });
  const { signal } = new AbortController();
  await run.header("the flood", (h) => h.stdoutBytes > 100e6);
  await writeStdin(run.paths.stdin, Buffer.from("line\n"), signal);
  // While it goes on.
  const { stdoutBytes } = await run.header("the line", (h) => h.stderrBytes === 5);
  await run.header("more of the flood", (h) => h.stdoutBytes > stdoutBytes);
  await run.control(Control.killTree);
  await run.done();
});
