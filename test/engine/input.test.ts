import { expect, test } from "vitest";
import { complete, limit, open, reasonOf, shell, spec, start, stopDefaults, text, untilOutput } from "./harness.ts";

test("input arrives whole, in order, and ends when it is closed", async () => {
  const engine = await open();
  const { id } = await start(engine, spec("cat", [], { stdin: "pipe", outputLimitBytes: 4 * 1024 * 1024 }));
  const parts = Array.from({ length: 8 }, (_, index) => Buffer.alloc(100_000, 97 + index));
  await Promise.all(parts.map((part) => engine.writeInput(id, part, false, limit())));
  await engine.writeInput(id, Buffer.from("end"), true, limit());
  const ended = await engine.wait(id, "outputComplete", 0, limit());
  expect(ended.exit?.code).toBe(0);
  expect(await text(engine, id)).toBe(`${Buffer.concat(parts).toString()}end`);
  expect(await reasonOf(engine.writeInput(id, Buffer.from("x"), false, limit()))).toBe("NOT_RUNNING");
});

test("input is refused where there is none", async () => {
  const engine = await open();
  const without = await start(engine, spec("sleep", ["60"]));
  expect(await reasonOf(engine.writeInput(without.id, Buffer.from("x"), false, limit()))).toBe("INPUT_CLOSED");
  const closed = await start(engine, shell("exec sleep 60", { stdin: "pipe" }));
  await engine.writeInput(closed.id, Buffer.alloc(0), true, limit());
  expect(await reasonOf(engine.writeInput(closed.id, Buffer.from("x"), false, limit()))).toBe("INPUT_CLOSED");
});

test("a process that reads nothing holds up its writers only, and only so many", async () => {
  const engine = await open();
  const { id } = await start(engine, spec("sleep", ["60"], { stdin: "pipe" }));
  const caller = new AbortController();
  const writes = Array.from({ length: 17 }, () =>
    engine.writeInput(id, Buffer.alloc(200_000), false, caller.signal).then(
      () => "written",
      (error) => error.reason ?? error.message,
    ),
  );
  expect(await writes[16]).toBe("LIMIT_EXCEEDED");
  caller.abort(new Error("enough"));
  expect(new Set(await Promise.all(writes.slice(0, 16)))).toEqual(new Set(["enough"]));
  expect(await engine.stop(id, stopDefaults)).toMatchObject({ stopped: true });
});

test("a terminal has the size it was given, and another one later", async () => {
  const engine = await open();
  const terminal = { rows: 33, columns: 111 };
  const script = "stty size; trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done";
  const { id } = await start(engine, shell(script, { terminal }));
  await untilOutput(engine, id, "ready");
  await engine.resizeTerminal(id, { rows: 44, columns: 122 });
  await untilOutput(engine, id, "44 122");
  expect(await text(engine, id)).toContain("33 111\r\n");
  expect(engine.get(id).output.stderrBytes).toBe(0);
  const { id: ended } = await complete(engine, spec("true", [], { terminal }));
  expect(await reasonOf(engine.resizeTerminal(ended, terminal))).toBe("NOT_RUNNING");
  const { id: plain } = await start(engine, spec("sleep", ["60"]));
  expect(await reasonOf(engine.resizeTerminal(plain, terminal))).toBe("INVALID_ARGUMENT");
});
