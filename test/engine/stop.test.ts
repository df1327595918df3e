import { describe, expect, test } from "vitest";
import type { Bench as Engine } from "./harness.ts";
import {
  alive,
  limit,
  open,
  reasonOf,
  refused,
  shell,
  somebody,
  spec,
  start,
  stopDefaults,
  text,
  untilOutput,
} from "./harness.ts";

const stubborn = "trap '' TERM; echo ready; while :; do sleep 60; done";

async function begin(engine: Engine, script: string): Promise<{ id: string; pid: number }> {
  const process = await start(engine, shell(script));
  await untilOutput(engine, process.id, "ready");
  return process;
}

describe("stop", () => {
  test("ends a process with SIGTERM", async () => {
    const engine = await open();
    const { id, pid } = await start(engine, spec("sleep", ["60"]));
    const answer = await engine.stop(id, stopDefaults);
    expect(answer).toMatchObject({ stopped: true, survivors: [] });
    expect(answer.process).toMatchObject({ state: "exited", treeAlive: false, exit: { signal: 15 } });
    expect(alive(pid)).toBe(false);
    // Once more: the answer is the process as it is.
    expect(await engine.stop(id, { ...stopDefaults, force: true })).toMatchObject({ stopped: true });
  });

  test("what ignores the signal survives an unforced stop, and is named", async () => {
    const engine = await open();
    const { id, pid } = await begin(engine, stubborn);
    const stopping = engine.stop(id, { ...stopDefaults, graceMs: 300 });
    await engine.wait(id, "exited", 0, AbortSignal.timeout(100)).catch(() => {});
    expect(engine.get(id).state).toBe("stopping");
    const answer = await stopping;
    expect(answer.stopped).toBe(false);
    expect(answer.process.state).toBe("running");
    expect(answer.survivors[0]).toMatchObject({ pid, state: "sleeping" });
    expect(answer.survivors[0]?.command).toContain("trap");
  });

  test("with force the tree is gone", async () => {
    const engine = await open();
    const { id, pid } = await begin(engine, stubborn);
    const answer = await engine.stop(id, { ...stopDefaults, graceMs: 100, force: true });
    expect(answer).toMatchObject({ stopped: true, process: { exit: { signal: 9 } } });
    expect(alive(pid)).toBe(false);
  });

  test("force without grace kills at once", async () => {
    const engine = await open();
    const { id } = await begin(engine, "trap 'echo asked' TERM; echo ready; while :; do sleep 60; done");
    expect(await engine.stop(id, { ...stopDefaults, graceMs: 0, force: true })).toMatchObject({ stopped: true });
    expect(await text(engine, id)).toBe("ready\n");
  });

  test("what the main process leaves behind gets the signal too", async () => {
    const engine = await open();
    const { id } = await begin(engine, "setsid sleep 60 & setsid sleep 61 & echo ready; wait");
    expect(await engine.stop(id, stopDefaults)).toMatchObject({ stopped: true });
  });

  test("children that live on after their leader are stopped", async () => {
    const engine = await open();
    const { id } = await start(engine, shell("sleep 60 & setsid sleep 61 & exit 3"));
    const ended = await engine.wait(id, "exited", 0, limit());
    expect(ended).toMatchObject({ state: "exited", treeAlive: true, exit: { code: 3 } });
    expect(await reasonOf(engine.remove(id, false))).toBe("STILL_RUNNING");
    const answer = await engine.stop(id, stopDefaults);
    expect(answer).toMatchObject({ stopped: true, process: { treeAlive: false, exit: { code: 3 } } });
  });

  test("a daemon that forked twice and ignores everything is killed", async () => {
    const engine = await open();
    const script =
      '(setsid sh -c \'trap "" TERM HUP INT; (trap "" TERM; echo ready; sleep 60; sleep 61) &\') & wait; exit 0';
    const { id } = await begin(engine, script);
    const unforced = await engine.stop(id, { ...stopDefaults, graceMs: 200 });
    expect(unforced.stopped).toBe(false);
    expect(unforced.survivors.length).toBeGreaterThan(0);
    const forced = await engine.stop(id, { ...stopDefaults, graceMs: 0, force: true });
    expect(forced).toMatchObject({ stopped: true, process: { treeAlive: false } });
    for (const { pid } of unforced.survivors) expect(alive(pid)).toBe(false);
  });

  test("a process that was stopped by SIGSTOP acts on the signal", async () => {
    const engine = await open();
    const { id } = await begin(engine, "trap 'exit 5' TERM; echo ready; kill -STOP $$; sleep 60");
    const answer = await engine.stop(id, { ...stopDefaults, graceMs: 20_000 });
    expect(answer).toMatchObject({ stopped: true, process: { exit: { code: 5 } } });
  });

  test("a later stop with force hurries an earlier one, and both answer", async () => {
    const engine = await open();
    const { id } = await begin(engine, stubborn);
    const patient = engine.stop(id, { ...stopDefaults, graceMs: 3_600_000 });
    const forced = engine.stop(id, { ...stopDefaults, graceMs: 0, force: true });
    expect((await Promise.all([patient, forced])).map(({ stopped }) => stopped)).toEqual([true, true]);
  });

  test("goes on when its caller goes away", async () => {
    const engine = await open();
    const { id } = await begin(engine, stubborn);
    const caller = new AbortController();
    const options = { ...stopDefaults, graceMs: 200, force: true, wait: true };
    const stopping = engine.engine.stop({ id }, options, somebody, caller.signal);
    caller.abort(new Error("gone"));
    await expect(stopping).rejects.toThrow("gone");
    expect(await engine.wait(id, "treeGone", 0, limit())).toMatchObject({ exit: { signal: 9 } });
  });

  test("uses the policy of the spec", async () => {
    const engine = await open();
    const script = "trap 'exit 9' USR1; trap '' TERM; echo ready; while :; do sleep 0.05; done";
    const { id } = await start(engine, shell(script, { stop: { signal: "SIGUSR1", graceMs: 20_000 } }));
    await untilOutput(engine, id, "ready");
    expect(await engine.stop(id, stopDefaults)).toMatchObject({ stopped: true, process: { exit: { code: 9 } } });
  });

  test("stopAll stops everything and lets nothing new begin", async () => {
    const engine = await open();
    const processes = await Promise.all(Array.from({ length: 10 }, () => start(engine, spec("sleep", ["60"]))));
    const stopping = engine.stopAll(null);
    expect(await reasonOf(start(engine, spec("true")))).toBe("SHUTTING_DOWN");
    await stopping;
    expect(processes.map(({ pid }) => alive(pid))).not.toContain(true);
  });
});

describe("signal", () => {
  test("reaches the group, by any of its names", async () => {
    const engine = await open();
    const script = "trap 'echo one' USR1; trap 'echo rt' RTMIN+3; echo ready; while :; do sleep 0.05; done";
    const { id } = await start(engine, spec("bash", ["-c", script]));
    await untilOutput(engine, id, "ready");
    await engine.signal(id, "USR1", "group").catch(() => {});
    await untilOutput(engine, id, "one");
    await engine.signal(id, "SIGRTMIN+3", "main");
    await untilOutput(engine, id, "rt");
  });

  test("of what has ended, or does not exist, is refused", async () => {
    const engine = await open();
    const { id } = await start(engine, spec("true"));
    await engine.wait(id, "treeGone", 0, limit());
    expect(await refused(engine.signal(id, "SIGTERM", "group"))).toMatchObject({
      reason: "NOT_RUNNING",
      metadata: { id, state: "exited" },
    });
    expect(await reasonOf(engine.signal(id, "SIGNONE", "group"))).toBe("INVALID_ARGUMENT");
  });

  test("reaches a tree whose main process has ended", async () => {
    const engine = await open();
    const { id } = await start(engine, shell("setsid sleep 60 & exit 0"));
    await engine.wait(id, "exited", 0, limit());
    expect(await reasonOf(engine.signal(id, "SIGTERM", "main"))).toBe("NOT_RUNNING");
    await engine.signal(id, "SIGTERM", "tree");
    expect((await engine.wait(id, "treeGone", 0, limit())).treeAlive).toBe(false);
  });
});
