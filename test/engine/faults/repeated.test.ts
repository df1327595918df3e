/** Requests that are sent again to the next daemon, since the one that had them was killed. */

import { randomUUID } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { RequestContext } from "../../../src/server/engine/api/control.ts";
import { everything } from "../../../src/server/engine/api/list.ts";
import { open, refused, runtimeDirectory, shell, spec, start, stopDefaults, text, untilOutput } from "../harness.ts";
import { ScriptedDaemon } from "./daemon.ts";

/** Ends some seconds after it is asked to. */
const slow = shell("trap 'sleep 1; exit 5' TERM; echo ready; while :; do sleep 0.05; done");
const stubborn = shell("trap '' TERM; echo ready; while :; do sleep 60; done");
const wait = { ...stopDefaults, wait: true };

/** The request id of a call by filter's share: the longest that there are. */
function share(id: string): RequestContext {
  return { principal: "local", requestId: `${"r".repeat(64)}/${id}`, precondition: null };
}

describe.each([
  ["", () => {}],
  [", whose journal is lost", (directory: string) => rmSync(join(directory, "journal"), { recursive: true })],
])("sent again to the next daemon%s", (_name, lose) => {
  test("a restart is done once, and answered when it is done", async () => {
    const runtimeDir = runtimeDirectory();
    const id = randomUUID();
    const daemon = new ScriptedDaemon(runtimeDir, [
      { do: "start", id, spec: slow },
      { do: "restart", id, graceMs: 20_000, force: false, requestId: share(id).requestId },
    ]);
    await daemon.until("state 0 stopping");
    await daemon.kill();
    lose(runtimeDir);
    const engine = await open({ runtimeDir });
    const answers = await Promise.all(
      [1, 2].map(() => engine.engine.restart({ id }, { ...stopDefaults, graceMs: 20_000 }, null, share(id))),
    );
    expect(answers.map(({ run }) => [run.number, run.state])).toEqual([
      [2, "running"],
      [2, "running"],
    ]);
    expect(engine.engine.runs({ id }).runs.map(({ number }) => number)).toEqual([2, 1]);
  });

  test("a stop is answered with the receipt of the first", async () => {
    const runtimeDir = runtimeDirectory();
    const id = randomUUID();
    const daemon = new ScriptedDaemon(runtimeDir, [
      { do: "start", id, spec: stubborn },
      { do: "stop", id, graceMs: 1_500, force: true, requestId: share(id).requestId },
    ]);
    await daemon.until("state 0 stopping");
    await daemon.kill();
    lose(runtimeDir);
    const engine = await open({ runtimeDir });
    const { receipt, process } = await engine.engine.stop({ id }, { ...wait, graceMs: 60_000 }, share(id));
    // Not those of the request that was sent again: nothing was begun for it.
    expect(receipt).toMatchObject({
      outcome: "stopped",
      force: true,
      graceMs: 1_500,
      cause: { requestId: share(id).requestId },
    });
    expect(process.run.exit).toMatchObject({ signal: 9 });
  });

  test("a removal is answered when it is done", async () => {
    const runtimeDir = runtimeDirectory();
    const id = randomUUID();
    const daemon = new ScriptedDaemon(runtimeDir, [
      { do: "start", id, spec: stubborn },
      { do: "remove", id, requestId: share(id).requestId },
    ]);
    await daemon.until("state 0 stopping");
    await daemon.kill();
    lose(runtimeDir);
    const engine = await open({ runtimeDir });
    // Where its removal was over before it died only the journal could tell.
    const answer =
      engine.engine.select(everything).length === 0 ? id : await engine.engine.remove({ id }, true, share(id));
    expect(answer).toBe(id);
    expect(engine.engine.select(everything)).toEqual([]);
  });
});

test("a restart that failed in the next daemon is answered with why", async () => {
  const runtimeDir = runtimeDirectory();
  const id = randomUUID();
  const program = join(runtimeDir, "program");
  writeFileSync(program, "#!/bin/sh\ntrap 'sleep 1; exit 5' TERM; echo ready; while :; do sleep 0.05; done\n", {
    mode: 0o700,
  });
  const daemon = new ScriptedDaemon(runtimeDir, [
    { do: "start", id, spec: spec(program) },
    { do: "restart", id, graceMs: 20_000, force: false, requestId: "once" },
  ]);
  await daemon.until("state 0 stopping");
  await daemon.kill();
  rmSync(program);
  const engine = await open({ runtimeDir });
  const context = { principal: "local", requestId: "once", precondition: null };
  const failed = await refused(engine.engine.restart({ id }, stopDefaults, null, context));
  expect(failed).toMatchObject({ reason: "START_FAILED", metadata: { errno_name: "ENOENT" } });
  expect(engine.engine.runs({ id }).runs.map(({ number }) => number)).toEqual([2, 1]);
});

test("a signal is sent once", async () => {
  const runtimeDir = runtimeDirectory();
  const id = randomUUID();
  const script = "trap 'echo one' USR1; trap 'echo two' USR2; echo ready; while :; do sleep 0.05; done";
  const daemon = new ScriptedDaemon(runtimeDir, [
    { do: "start", id, spec: shell(script) },
    { do: "signal", id, signal: "SIGUSR1", requestId: share(id).requestId },
  ]);
  await daemon.until("done 1");
  await daemon.kill();
  const engine = await open({ runtimeDir });
  await untilOutput(engine, id, "one\n");
  await engine.engine.signal({ id }, "SIGUSR1", "main", share(id));
  await engine.signal(id, "SIGUSR2", "main");
  await untilOutput(engine, id, "two\n");
  expect(await text(engine, id)).not.toMatch(/one[\s\S]*one/);
});

describe.each(["record 1", "beforeTold", "told", "record 2"] as const)(
  "a signal whose daemon is killed at the moment %j",
  (dieAt) => {
    const script = "trap 'echo one' USR1; trap 'echo two' USR2; echo ready; while :; do sleep 0.05; done";

    /** The output when a later signal has come through. */
    async function outputOf(engine: Awaited<ReturnType<typeof open>>, id: string): Promise<string> {
      await engine.signal(id, "SIGUSR2", "main");
      await untilOutput(engine, id, "two\n");
      return await text(engine, id);
    }

    function signals(engine: Awaited<ReturnType<typeof open>>, id: string): Promise<unknown[]> {
      const filter = { ...everything, ids: [id] };
      const options = { afterSequence: 0, filter, types: ["signaled"], follow: false, heartbeatMs: 60_000 } as const;
      return Array.fromAsync(engine.engine.events(options, new AbortController().signal)).then((frames) =>
        frames.flatMap((frame) => (frame.kind === "event" ? [frame.event.cause.requestId] : [])),
      );
    }

    async function killed(runtimeDir: string, id: string): Promise<void> {
      const order = { do: "signal", id, signal: "SIGUSR1", requestId: share(id).requestId, dieAt } as const;
      await new ScriptedDaemon(runtimeDir, [{ do: "start", id, spec: shell(script) }, order]).death();
    }

    test("is sent once, when it is asked for again, by two at once too", async () => {
      const runtimeDir = runtimeDirectory();
      const id = randomUUID();
      await killed(runtimeDir, id);
      const engine = await open({ runtimeDir });
      const again = () => engine.engine.signal({ id }, "SIGUSR1", "main", share(id));
      await Promise.all([again(), again()]);
      await untilOutput(engine, id, "one\n");
      await again();
      expect(await outputOf(engine, id)).toBe("ready\none\ntwo\n");
      expect(await signals(engine, id)).toEqual([share(id).requestId, ""]);
    });

    test("is known to the daemon after the next one, too", async () => {
      const runtimeDir = runtimeDirectory();
      const id = randomUUID();
      await killed(runtimeDir, id);
      const next = await open({ runtimeDir });
      await next.signal(id, "SIGCONT", "main");
      await next.close();
      const engine = await open({ runtimeDir });
      await engine.engine.signal({ id }, "SIGUSR1", "main", share(id));
      await untilOutput(engine, id, "one\n");
      expect(await outputOf(engine, id)).toBe("ready\none\ntwo\n");
    });

    test("is not sent later, if nobody asks for it again", async () => {
      const runtimeDir = runtimeDirectory();
      const id = randomUUID();
      await killed(runtimeDir, id);
      const engine = await open({ runtimeDir });
      const wasTold = dieAt === "told" || dieAt === "record 2";
      if (wasTold) await untilOutput(engine, id, "one\n");
      expect(await outputOf(engine, id)).toBe(wasTold ? "ready\none\ntwo\n" : "ready\ntwo\n");
    });
  },
);

test.each(["stop", "restart"] as const)(
  "the first signal of a %s is sent once, whenever the daemon dies",
  async (what) => {
    const script = "trap 'echo asked' TERM; trap 'exit 5' USR1; echo ready; while :; do sleep 0.05; done";
    for (const dieAt of ["record 1", "record 2", "beforeTold", "told", "record 3"] as const) {
      const runtimeDir = runtimeDirectory();
      const id = randomUUID();
      const order = { do: what, id, graceMs: 60_000, force: true, requestId: "once", dieAt } as const;
      await new ScriptedDaemon(runtimeDir, [{ do: "start", id, spec: shell(script) }, order]).death();
      const engine = await open({ runtimeDir });
      const context = { principal: "local", requestId: "once", precondition: null };
      const asked =
        what === "stop"
          ? engine.engine.stop({ id }, { ...wait, graceMs: 60_000, force: true }, context)
          : engine.engine.restart({ id }, { ...stopDefaults, graceMs: 60_000, force: true }, null, context);
      await untilOutput(engine, id, "asked\n");
      await engine.signal(id, "SIGUSR1", "main");
      await asked;
      const output = await text(engine, id, 1);
      expect([dieAt, output.match(/asked/g)]).toEqual([dieAt, ["asked"]]);
      await engine.close();
    }
  },
);

test("a signal of which nobody can tell whether it was sent is refused, by each daemon that comes", async () => {
  const runtimeDir = runtimeDirectory();
  const id = randomUUID();
  const order = { do: "signal", id, signal: "SIGCONT", requestId: share(id).requestId, dieAt: "told" } as const;
  await new ScriptedDaemon(runtimeDir, [{ do: "start", id, spec: slow }, order]).death();
  const path = join(runtimeDir, "p", id, "process.json");
  const record = JSON.parse(readFileSync(path, "utf8"));
  // As if its shim had carried out something else since.
  const { seq } = record.signaling;
  writeFileSync(path, JSON.stringify({ ...record, signaling: { ...record.signaling, seq: seq + 1, before: seq + 2 } }));
  for (let daemons = 0; daemons < 2; daemons++) {
    const engine = await open({ runtimeDir });
    const failed = await refused(engine.engine.signal({ id }, "SIGCONT", "main", share(id)));
    expect(failed).toMatchObject({
      reason: "SUPERVISOR_LOST",
      message: expect.stringContaining("whether it was sent can no longer be found out"),
    });
    await engine.close();
  }
});

test("what a call by filter selected is the same for the next daemon, whatever fits by then", async () => {
  const runtimeDir = runtimeDirectory();
  const context = { principal: "local", requestId: "batch", precondition: null };
  const first = await open({ runtimeDir });
  const { id } = await start(first, spec("sleep", ["1000"]));
  const all = (engine: typeof first) =>
    engine.engine.selectOnce(context, "print", () => engine.engine.select(everything));
  expect(all(first)).toEqual([id]);
  await first.close();
  const next = await open({ runtimeDir });
  await start(next, spec("sleep", ["1000"]));
  expect(all(next)).toEqual([id]);
  expect(next.engine.select(everything)).toHaveLength(2);
  expect(() => next.engine.selectOnce(context, "another", () => [])).toThrow(
    expect.objectContaining({ reason: "REQUEST_ID_REUSED" }),
  );
});
