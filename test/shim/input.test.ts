import { afterAll, beforeAll, expect, test } from "vitest";
import { Control, Stream } from "../../src/server/engine/shim/layout.ts";
import { StdinClosedError, writeStdin } from "../../src/server/engine/shim/stdin.ts";
import { Bench } from "./run.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench.close());

const never = new AbortController().signal;

test("a megabyte goes through standard input, then its end", async () => {
  const run = await bench.start(["cat"], { stdin: "pipe", outputLimit: 2 << 20 });
  await run.running();
  const data = Buffer.alloc(1 << 20, "0123456789abcde\n");
  await writeStdin(run.paths.stdin, data, never);
  expect(run.ring().header().done).toBe(false);
  expect(await run.control(Control.closeStdin)).toBe(0);
  const header = await run.done();
  expect(header).toMatchObject({ waitStatus: 0, stdinClosed: true });
  expect(run.output().equals(data)).toBe(true);
  await expect(writeStdin(run.paths.stdin, data, never)).rejects.toThrow(StdinClosedError);
});

test("closing standard input twice is no error", async () => {
  const run = await bench.sh("cat; sleep 1000", { stdin: "pipe" });
  await run.running();
  expect(await run.control(Control.closeStdin)).toBe(0);
  expect(await run.control(Control.closeStdin)).toBe(0);
  await run.control(Control.killTree);
  await run.done();
});

test("a write that the process does not take can be given up", async () => {
  const run = await bench.sh("exec sleep 1000", { stdin: "pipe" });
  await run.running();
  const controller = new AbortController();
  const write = writeStdin(run.paths.stdin, Buffer.alloc(1 << 20), controller.signal);
  setImmediate(() => controller.abort(new Error("enough")));
  await expect(write).rejects.toThrow("enough");
  const waiting = writeStdin(run.paths.stdin, Buffer.alloc(1 << 20), never);
  waiting.catch(() => {});
  await run.control(Control.killTree);
  await expect(waiting).rejects.toThrow(StdinClosedError);
  await run.done();
});

test("a process that closes its standard input is noticed", async () => {
  const run = await bench.sh("exec <&-; exec sleep 1000", { stdin: "pipe" });
  await run.header("stdin closed", (h) => h.stdinClosed);
  await expect(writeStdin(run.paths.stdin, Buffer.from("x"), never)).rejects.toThrow(StdinClosedError);
  await run.control(Control.killTree);
  await run.done();
});

test("a terminal has its size before the program asks, echoes, resizes and ends", async () => {
  const run = await bench.sh(
    'stty size; : </dev/tty && tty; echo ready; read x; echo "[$x]"; read x; stty size; echo cat; cat',
    {
      terminal: { rows: 33, columns: 111 },
    },
  );
  await run.says(/33 111\r\n\/dev\/pts\/\d+\r\nready\r\n/);
  await writeStdin(run.paths.stdin, Buffer.from("hello\n"), never);
  await run.says(/hello\r\n\[hello\]\r\n/);
  expect(await run.control(Control.resize, 50, 120)).toBe(0);
  await writeStdin(run.paths.stdin, Buffer.from("x\n"), never);
  await run.says(/50 120\r\ncat\r\n/);
  await writeStdin(run.paths.stdin, Buffer.from("last\n"), never);
  expect(await run.control(Control.closeStdin)).toBe(0);
  const header = await run.done();
  expect(header).toMatchObject({ waitStatus: 0, stderrBytes: 0, stdoutBytes: header.written });
  expect(run.text().endsWith("last\r\nlast\r\n")).toBe(true);
  expect(run.chunks().every((chunk) => chunk.stream === Stream.tty)).toBe(true);
});

test("C18: a terminal knows that its input is UTF-8", async () => {
  const run = await bench.sh('stty -a; echo ready; read x; printf %s "$x" | od -An -tx1', {
    terminal: { rows: 24, columns: 80 },
  });
  await run.says(/[^-]iutf8[\s\S]*ready/);
  // A backspace (DEL) takes the whole character away.
  await writeStdin(run.paths.stdin, Buffer.from("aä\x7fb\n"), never);
  await run.done();
  expect(run.text()).toMatch(/ 61 62\r\n$/);
});

test("a terminal's interrupt character reaches the process", async () => {
  const run = await bench.sh("echo ready; exec sleep 1000", { terminal: { rows: 24, columns: 80 } });
  await run.says(/ready/);
  await writeStdin(run.paths.stdin, Buffer.from("\x03"), never);
  expect((await run.done()).waitStatus).toBe(2);
});

test("a terminal's flood is kept to the last byte", async () => {
  const run = await bench.sh("stty -opost; seq 1 50000", { terminal: { rows: 24, columns: 80 } });
  await run.done();
  expect(run.text()).toBe(Array.from({ length: 50_000 }, (_, i) => `${i + 1}\n`).join(""));
});

test("what was written to standard input is counted, whether it was read or not", async () => {
  const run = await bench.sh("exec sleep 1000", { stdin: "pipe" });
  await run.running();
  await writeStdin(run.paths.stdin, Buffer.alloc(100_000), never);
  expect(await run.control(Control.countInput)).toBe(0);
  expect(run.ring().header()).toMatchObject({ inputWritten: 100_000, inputEnd: null });
  // One byte at a time takes as many of a pipe's places.
  for (let count = 0; count < 50; count++) await writeStdin(run.paths.stdin, Buffer.alloc(1), never);
  expect(await run.control(Control.countInput)).toBe(0);
  expect(run.ring().header().inputWritten).toBe(100_050);
  expect(await run.control(Control.closeStdin)).toBe(0);
  expect(run.ring().header()).toMatchObject({ inputWritten: 100_050, inputEnd: 100_050 });
  await run.control(Control.killTree);
  expect(await run.done()).toMatchObject({ inputWritten: 100_050 });
});

test("what a process did not read when it ended was written all the same", async () => {
  const run = await bench.sh("read x; exit 3", { stdin: "pipe" });
  await run.running();
  await writeStdin(run.paths.stdin, Buffer.from("a line\nand more"), never);
  const header = await run.done();
  expect(header).toMatchObject({ waitStatus: 3 << 8, inputWritten: 15 });
});

test("a run without standard input has none to count", async () => {
  const run = await bench.sh("exec sleep 1000");
  await run.running();
  expect(await run.control(Control.countInput)).toBe(9);
  await run.control(Control.killTree);
  await run.done();
});
