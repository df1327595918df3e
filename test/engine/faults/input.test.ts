/** Standard input is written once, whatever happens to the daemon that writes it. */
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { Bench } from "../harness.ts";
import { limit, open, refused, runtimeDirectory, shell, somebody, text } from "../harness.ts";
import { ScriptedDaemon } from "./daemon.ts";
import { inputBytes, type WrittenInput } from "./input-bytes.ts";

const id = "0badcafe-0000-4000-8000-0000000000aa";
const megabyte = 1024 * 1024;

function write(engine: Bench, input: WrittenInput): Promise<number> {
  const { close, inputOffset } = input;
  return engine.engine.writeInput({ id }, { data: inputBytes(input), close, inputOffset }, somebody, limit());
}

/** Reads eight bytes and says so by a file, nothing more until there is a gate, and then says what it has read. */
function reader(gate: string) {
  const script = `echo ready; head -c 8 > ${gate}-began.new; mv ${gate}-began.new ${gate}-began
    while [ ! -e ${gate} ]; do sleep 0.02; done; exec sha256sum`;
  return shell(script, { stdin: "pipe" });
}

async function began(gate: string): Promise<void> {
  await vi.waitFor(() => expect(existsSync(`${gate}-began`)).toBe(true), { timeout: 60_000 });
}

/** What the reader makes of so many bytes. */
function sum(bytes: number): string {
  const data = inputBytes({ bytes, close: false, inputOffset: 0 });
  return createHash("sha256").update(data.subarray(8)).digest("hex");
}

test("a write that a daemon's death cut short is finished by repeating it, and nothing is written twice", async () => {
  const runtimeDir = runtimeDirectory();
  const gate = join(runtimeDir, "gate");
  const whole = { bytes: megabyte, close: false, inputOffset: 0 };
  const first = new ScriptedDaemon(runtimeDir, [
    { do: "start", id, spec: reader(gate) },
    { do: "write", id, input: whole },
  ]);
  await first.until("done 0");
  await began(gate);
  await first.kill();
  const engine = await open({ runtimeDir });
  // What the first daemon got into the pipe counts; how much that was is anybody's guess.
  const repeated = write(engine, whole);
  writeFileSync(gate, "");
  expect(await repeated).toBe(megabyte);
  expect(await write(engine, whole)).toBe(megabyte);
  const rest = { bytes: 8, close: true, inputOffset: megabyte };
  expect(await write(engine, rest)).toBe(megabyte + 8);
  const ended = await engine.wait(id, "outputComplete", 0, limit());
  expect(ended.exit?.code).toBe(0);
  expect(await text(engine, id)).toContain(sum(megabyte + 8));
});

test("a write and the end of input that a daemon has done is known to the next one, even when the process has ended", async () => {
  const runtimeDir = runtimeDirectory();
  const gate = join(runtimeDir, "gate");
  const whole = { bytes: 40_000, close: true, inputOffset: 0 };
  const first = new ScriptedDaemon(runtimeDir, [
    { do: "start", id, spec: reader(gate) },
    { do: "write", id, input: whole },
  ]);
  await first.until("done 1");
  await first.kill();
  const engine = await open({ runtimeDir });
  expect(await write(engine, whole)).toBe(40_000);
  expect((await refused(write(engine, { ...whole, inputOffset: 40_000 }))).reason).toBe("INPUT_CLOSED");
  writeFileSync(gate, "");
  await engine.wait(id, "outputComplete", 0, limit());
  expect(await text(engine, id)).toContain(sum(40_000));
  expect(await write(engine, whole)).toBe(40_000);
  expect((await refused(write(engine, { ...whole, inputOffset: 40_000 }))).reason).toBe("NOT_RUNNING");
});

test("a write that its caller gave up can be repeated", async () => {
  const runtimeDir = runtimeDirectory();
  const gate = join(runtimeDir, "gate");
  const engine = await open({ runtimeDir });
  await engine.start({ id, spec: reader(gate) });
  expect(await write(engine, { bytes: 4, close: false, inputOffset: 0 })).toBe(4);
  const caller = new AbortController();
  const rest = { bytes: megabyte - 4, close: true, inputOffset: 4 };
  const given = engine.engine.writeInput({ id }, { ...rest, data: inputBytes(rest) }, somebody, caller.signal);
  given.catch(() => {});
  await began(gate);
  caller.abort(new Error("enough"));
  await expect(given).rejects.toThrow("enough");
  const repeated = write(engine, rest);
  writeFileSync(gate, "");
  expect(await repeated).toBe(megabyte);
  await engine.wait(id, "outputComplete", 0, limit());
  expect(await text(engine, id)).toContain(sum(megabyte));
});

test("bytes that are missing before a write are named, by the next daemon too", async () => {
  const runtimeDir = runtimeDirectory();
  const first = new ScriptedDaemon(runtimeDir, [
    { do: "start", id, spec: shell("echo ready; exec sleep 1000", { stdin: "pipe" }) },
    { do: "write", id, input: { bytes: 100, close: false, inputOffset: 0 } },
  ]);
  await first.until("done 1");
  await first.kill();
  const engine = await open({ runtimeDir });
  const error = await refused(write(engine, { bytes: 100, close: false, inputOffset: 104 }));
  expect([error.reason, error.metadata]).toEqual([
    "CONDITION_FAILED",
    { field: "input_offset", expected: "104", actual: "100" },
  ]);
});

test("a terminal's end of file is sent once where it was asked for twice at the same place", async () => {
  const runtimeDir = runtimeDirectory();
  const terminal = { rows: 24, columns: 80 };
  // Each end of file ends one cat.
  const script = "stty -echo; echo ready; cat > /dev/null; echo first; cat > /dev/null; echo second";
  const first = new ScriptedDaemon(runtimeDir, [{ do: "start", id, spec: shell(script, { terminal }) }]);
  await first.until("done 0");
  await first.kill();
  const engine = await open({ runtimeDir });
  const newline = { data: Buffer.from("\n"), close: true, inputOffset: 0 };
  await engine.engine.writeInput({ id }, newline, somebody, limit());
  await vi.waitFor(async () => expect(await text(engine, id)).toContain("first"), { timeout: 30_000 });
  await engine.close();
  const next = await open({ runtimeDir });
  expect(await next.engine.writeInput({ id }, newline, somebody, limit())).toBe(1);
  expect(next.get(id).state).toBe("running");
  await next.engine.writeInput({ id }, { data: Buffer.from("\n"), close: true, inputOffset: 1 }, somebody, limit());
  await next.wait(id, "exited", 0, limit());
  expect(await text(next, id)).toBe("ready\r\nfirst\r\nsecond\r\n");
});
