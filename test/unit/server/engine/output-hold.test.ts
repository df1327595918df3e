import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { OutputFrame } from "../../../../src/server/engine/api/output.ts";
import { type FakeProcess, World } from "./output-fakes.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "pm-hold-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function start(world: World): FakeProcess {
  const process = world.start("a");
  process.run.allowsHold = true;
  process.run.holdFile = join(directory, "hold");
  process.run.limitBytes = 1000;
  return process;
}

/** A stream that holds, or asks to; it is open when this resolves. */
async function hold(world: World, process: FakeProcess, token = "", offset = 0) {
  const controller = new AbortController();
  const frames = world.outputs.stream(
    process,
    {
      run: null,
      start: { position: { kind: "offset", offset }, since: null },
      streams: [],
      until: null,
      follow: true,
      heartbeatMs: 15_000,
      hold: { token },
    },
    controller.signal,
  );
  const first = await frames.next();
  const opened: OutputFrame | undefined = first.done ? undefined : first.value;
  if (opened?.kind !== "opened") throw new Error("not opened");
  return { frames, opened, token: opened.holdToken, close: () => frames.return() };
}

function acknowledge(world: World, process: FakeProcess, token: string, nextOffset: number, release = false) {
  const { processId, number } = process.run;
  return world.outputs.acknowledge(process, { processId, run: number, token, nextOffset, release });
}

/** While a stream is open: five minutes remain whenever its daemon dies. */
const milliseconds = 315_000;

describe("a hold", () => {
  test("is refused where the spec does not allow it, and a second one while it lasts", async () => {
    const world = new World();
    const process = start(world);
    process.run.allowsHold = false;
    await expect(hold(world, process)).rejects.toMatchObject({
      reason: "HOLD_REFUSED",
      metadata: { id: "a", run: "1" },
    });
    process.run.allowsHold = true;
    const first = await hold(world, process);
    expect(first.opened).toMatchObject({ output: { held: true } });
    await expect(hold(world, process)).rejects.toMatchObject({ reason: "OUTPUT_HELD" });
    await expect(hold(world, process, "00".repeat(16))).rejects.toMatchObject({ reason: "OUTPUT_HELD" });
    await first.close();
    // Thirty seconds remain for who has the token.
    await expect(hold(world, process)).rejects.toMatchObject({ reason: "OUTPUT_HELD" });
    process.run.hold = null;
    await (await hold(world, process)).close();
    expect(process.run.open).toBe(0);
  });

  test("stands where the stream begins, and its token in a file that only its owner reads", async () => {
    const world = new World();
    const process = start(world);
    process.run.write("12345");
    const { close, token } = await hold(world, process, "", 3);
    expect(process.run.holdsSent).toEqual([{ offset: 3, milliseconds }]);
    expect(statSync(process.run.holdFile).mode & 0o777).toBe(0o600);
    expect(token).toMatch(/^[0-9a-f]{32}$/);
    await close();
  });

  test("moves with what was taken: a quarter of the ring at a time, or when the shim waits", async () => {
    const world = new World();
    const process = start(world);
    const { run } = process;
    const { close, token } = await hold(world, process);
    run.write("x".repeat(900));
    await acknowledge(world, process, token, 100);
    expect(run.holdsSent).toHaveLength(1);
    await acknowledge(world, process, token, 250);
    expect(run.holdsSent.at(-1)).toEqual({ offset: 250, milliseconds });
    await acknowledge(world, process, token, 300);
    expect(run.holdsSent).toHaveLength(2);
    // What was acknowledged out of order takes nothing back.
    await acknowledge(world, process, token, 260);
    run.hold = { offset: 250, blocking: true };
    world.outputs.notify(run);
    expect(run.holdsSent.at(-1)).toEqual({ offset: 300, milliseconds });
    run.hold = { offset: 300, blocking: true };
    await acknowledge(world, process, token, 310);
    expect(run.holdsSent.at(-1)).toEqual({ offset: 310, milliseconds });
    await expect(acknowledge(world, process, token, 901)).rejects.toMatchObject({ reason: "OFFSET_OUT_OF_RANGE" });
    await expect(acknowledge(world, process, "f".repeat(32), 400)).rejects.toMatchObject({ reason: "HOLD_REFUSED" });
    await close();
    // Its last word: thirty seconds from now.
    expect(run.holdsSent.at(-1)).toEqual({ offset: 310, milliseconds: 30_000 });
  });

  test("ends when it is released, and somebody else may hold", async () => {
    const world = new World();
    const process = start(world);
    const first = await hold(world, process);
    process.run.write("x".repeat(10));
    await acknowledge(world, process, first.token, 10, true);
    expect(process.run.holdsSent.at(-1)).toEqual({ offset: 10, milliseconds: 0 });
    await expect(acknowledge(world, process, first.token, 10)).rejects.toMatchObject({ reason: "HOLD_REFUSED" });
    await expect(hold(world, process, first.token)).rejects.toMatchObject({ reason: "HOLD_REFUSED" });
    const second = await hold(world, process, "", 10);
    const sent = process.run.holdsSent.length;
    // The stream that held is open no longer; the other one holds on.
    await first.close();
    expect(process.run.holdsSent).toHaveLength(sent);
    await second.close();
  });

  test("is resumed with its token, also at the next daemon", async () => {
    const world = new World();
    const process = start(world);
    process.run.write("x".repeat(500));
    const first = await hold(world, process);
    await acknowledge(world, process, first.token, 400);
    await first.close();
    const second = await hold(world, process, first.token, 400);
    expect(second.token).toBe(first.token);
    // The daemon dies: nobody is told.
    world.nextDaemon();
    await expect(hold(world, process)).rejects.toMatchObject({ reason: "OUTPUT_HELD" });
    await expect(hold(world, process, "0".repeat(32))).rejects.toMatchObject({ reason: "OUTPUT_HELD" });
    await acknowledge(world, process, first.token, 450);
    const third = await hold(world, process, first.token, 450);
    expect(third.token).toBe(first.token);
    expect(process.run.holdsSent.at(-1)).toEqual({ offset: 450, milliseconds });
    await third.close();
    await second.close();
  });

  test("that has run out cannot be resumed", async () => {
    const world = new World();
    const process = start(world);
    const first = await hold(world, process);
    await first.close();
    process.run.hold = null;
    await expect(hold(world, process, first.token)).rejects.toMatchObject({ reason: "HOLD_REFUSED" });
    await expect(acknowledge(world, process, first.token, 0)).rejects.toMatchObject({ reason: "HOLD_REFUSED" });
    world.nextDaemon();
    await expect(hold(world, process, first.token)).rejects.toMatchObject({ reason: "HOLD_REFUSED" });
  });

  test("of a run that is over is no more than a word", async () => {
    const world = new World();
    const process = start(world);
    process.run.write("rest");
    const first = await hold(world, process);
    await first.close();
    process.run.end();
    process.run.hold = null;
    const sent = process.run.holdsSent.length;
    const second = await hold(world, process, first.token);
    await acknowledge(world, process, first.token, 4);
    await acknowledge(world, process, first.token, 4, true);
    await second.close();
    expect(process.run.holdsSent).toHaveLength(sent);
  });

  test("that the shim did not take leaves nothing behind", async () => {
    const world = new World();
    const process = start(world);
    const send = process.run.sendHold;
    process.run.sendHold = async () => {
      throw new Error("no answer");
    };
    await expect(hold(world, process)).rejects.toThrow("no answer");
    expect(() => statSync(process.run.holdFile)).toThrow("ENOENT");
    process.run.sendHold = send;
    await (await hold(world, process)).close();
  });

  test("that waits for its first holder can be taken over without a token", async () => {
    const world = new World();
    const process = start(world);
    process.run.hold = { offset: 0, blocking: true };
    await (await hold(world, process)).close();
    expect(process.run.holdsSent[0]).toEqual({ offset: 0, milliseconds });
  });
});
