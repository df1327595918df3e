import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { everything } from "../../src/server/engine/api/list.ts";
import { EngineError } from "../../src/server/engine/errors.ts";
import { alive, limit, open, runtimeDirectory, shell, spec, stopDefaults, stream } from "./harness.ts";

/** A small generator of the same numbers each time (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const programs = [
  spec("sleep", ["60"]),
  shell("exit 3"),
  shell("trap '' TERM; while :; do sleep 60; done"),
  shell("setsid sleep 60 & echo left; exit 0"),
  shell("while :; do echo line; sleep 0.01; done"),
];

test.each([1, 2, 3])("many operations at once all end, and leave nothing undecided (%i)", async (seed) => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const random = numbers(seed);
  const ids = Array.from({ length: 6 }, (_, index) => `00000000-0000-4000-8000-00000000000${index}`);
  const reasons = new Set<string>();
  const force = { signal: "", graceMs: 0, force: true };
  const read = async (id: string) => {
    let frames = 0;
    for await (const frame of stream(engine, id, { heartbeatMs: 100 })) {
      if (frame.kind === "heartbeat" || ++frames === 20) return;
    }
  };
  const operate = (id: string): Promise<unknown> => {
    switch (random(9)) {
      case 0:
        return engine.stop(id, force);
      case 1:
        return engine.stop(id, { ...stopDefaults, graceMs: 50 });
      case 2:
        return engine.restart(id, force);
      case 3:
        return engine.restart(id, { ...stopDefaults, graceMs: 50 });
      case 4:
        return engine.remove(id, random(2) === 0);
      case 5:
        return engine.signal(id, "SIGCONT", "group");
      case 6:
        return read(id);
      default: {
        const program = programs[random(programs.length)] ?? spec("true");
        return engine.start({ id, spec: program });
      }
    }
  };
  const work: Promise<unknown>[] = [];
  for (let index = 0; index < 150; index++) {
    const done = operate(ids[random(ids.length)] ?? "").catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error;
      reasons.add(error.reason);
    });
    work.push(done);
    if (random(3) === 0) await new Promise((resolve) => setTimeout(resolve, random(20)));
  }
  await Promise.all(work);
  const possible = ["PROCESS_NOT_FOUND", "PROCESS_EXISTS", "NOT_RUNNING", "STILL_RUNNING"];
  expect([...reasons].filter((reason) => !possible.includes(reason))).toEqual([]);
  const { processes } = await engine.list(everything, { size: 100, token: "" });
  expect(new Set(readdirSync(join(runtimeDir, "p")))).toEqual(new Set(processes.map(({ id }) => id)));
  for (const { id, state, pid } of processes) {
    expect(["running", "exited"]).toContain(state);
    // A signal of an unforced stop may still be at work.
    if (state === "running" && !alive(pid ?? 0)) await engine.wait(id, "exited", 0, limit());
  }
  await engine.stopAll(0);
  for (const { id } of processes) expect((await engine.wait(id, "treeGone", 0, limit())).treeAlive).toBe(false);
});
