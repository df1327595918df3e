import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { OutputFrame } from "../../src/server/engine/api/output.ts";
import type { Shown as ProcessInfo } from "./harness.ts";
import {
  type Bench,
  complete,
  limit,
  open,
  reasonOf,
  refused,
  runtimeDirectory,
  shell,
  spec,
  start,
  stopDefaults,
  stream,
  text,
  untilOutput,
} from "./harness.ts";

test("a restart begins a new run and keeps the output of the one before", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const { id, pid } = await start(engine, shell("echo $$; exec sleep 60"));
  await untilOutput(engine, id, `${pid}\n`);
  const second = await engine.restart(id, stopDefaults);
  expect(second).toMatchObject({ id, run: 2, state: "running", exit: null });
  await untilOutput(engine, id, `${second.pid}\n`);
  expect(await text(engine, id, 1)).toBe(`${pid}\n`);
  const third = await engine.restart(id, stopDefaults);
  expect(third.run).toBe(3);
  expect(await text(engine, id, 2)).toBe(`${second.pid}\n`);
  expect(await reasonOf(text(engine, id, 4))).toBe("RUN_NOT_FOUND");
});

test("the last runs are kept, each with its cause, exit and output, for the next daemon too", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir, keptRuns: 3 });
  const { id } = await complete(engine, shell("echo $$; exit 4"));
  const outputs = [await text(engine, id)];
  for (let run = 2; run <= 4; run++) {
    await engine.restart(id, stopDefaults);
    await engine.wait(id, "treeGone", 0, limit());
    await engine.wait(id, "outputComplete", 0, limit());
    outputs.push(await text(engine, id));
  }
  const check = async (bench: Bench) => {
    const { runs } = bench.engine.runs({ id });
    expect(runs.map(({ number }) => number)).toEqual([4, 3, 2]);
    for (const run of runs) {
      expect(run).toMatchObject({ state: "exited", exit: { code: 4 }, cause: { kind: "request", principal: "local" } });
      expect(run.output.nextOffset).toBe(outputs[run.number - 1]?.length);
      expect(await text(bench, id, run.number)).toBe(outputs[run.number - 1]);
    }
    expect(await refused(text(bench, id, 1))).toMatchObject({ reason: "RUN_NOT_FOUND", metadata: { id, run: "1" } });
    return runs;
  };
  const before = await check(engine);
  expect(existsSync(join(runtimeDir, "p", id, "1"))).toBe(false);
  await engine.close();
  expect(await check(await open({ runtimeDir, keptRuns: 3 }))).toEqual(before);
});

test("an ended process is simply started again", async () => {
  const engine = await open();
  const { id } = await complete(engine, shell("exit 4"));
  expect(await engine.restart(id, stopDefaults)).toMatchObject({ run: 2 });
  expect(await engine.wait(id, "treeGone", 2, limit())).toMatchObject({ run: 2, exit: { code: 4 } });
  // A run that was followed by another one meets every condition.
  expect(await engine.wait(id, "treeGone", 1, limit())).toMatchObject({ run: 2 });
});

test("followers of a run that a restart ends are told of the next run", async () => {
  const engine = await open();
  const { id } = await start(engine, shell("echo ready; exec sleep 60"));
  const frames: OutputFrame[] = [];
  let restarting: Promise<ProcessInfo> | undefined;
  for await (const frame of stream(engine, id)) {
    frames.push(frame);
    if (frame.kind === "chunk") restarting = engine.restart(id, stopDefaults);
  }
  expect(await restarting).toMatchObject({ run: 2 });
  expect(frames.at(-1)).toMatchObject({
    kind: "end",
    reason: "complete",
    nextRun: 2,
    finalOffset: 6,
    exit: { signal: 15 },
  });
});

test("what will not stop is left as it is", async () => {
  const engine = await open();
  const { id, pid } = await start(engine, shell("trap '' TERM; echo ready; while :; do sleep 60; done"));
  await untilOutput(engine, id, "ready");
  const error = await refused(engine.restart(id, { ...stopDefaults, graceMs: 100 }));
  expect(error.reason).toBe("STILL_RUNNING");
  expect(error.metadata["pids"]?.split(",")).toContain(String(pid));
  expect(engine.get(id)).toMatchObject({ state: "running", run: 1, pid });
  // A forced restart hurries one under way; both answer the new run.
  const patient = engine.restart(id, { ...stopDefaults, graceMs: 3_600_000 });
  const forced = engine.restart(id, { ...stopDefaults, graceMs: 0, force: true });
  expect((await Promise.all([patient, forced])).map(({ run }) => run)).toEqual([2, 2]);
});

test("a stop during a restart ends the new run too", async () => {
  const engine = await open();
  const { id } = await start(engine, spec("sleep", ["60"]));
  const restarting = engine.restart(id, stopDefaults);
  const stopped = await engine.stop(id, stopDefaults);
  expect(await restarting).toMatchObject({ run: 2 });
  expect(stopped).toMatchObject({ stopped: true, process: { run: 2, state: "exited" } });
});

test("a restart that is asked for during a stop begins a run, and the stop leaves that alone", async () => {
  const engine = await open();
  const { id } = await start(engine, shell("trap '' TERM; echo ready; while :; do read line; done", { stdin: "pipe" }));
  await untilOutput(engine, id, "ready\n");
  const patient = { ...stopDefaults, graceMs: 3_600_000 };
  const stopping = engine.stop(id, patient);
  await vi.waitFor(() => expect(engine.get(id).desiredState).toBe("stopped"), { timeout: 90_000 });
  const restarting = engine.restart(id, patient);
  await vi.waitFor(() => expect(engine.get(id).desiredState).toBe("running"), { timeout: 90_000 });
  await engine.signal(id, "SIGKILL", "tree");
  expect(await stopping).toMatchObject({ stopped: true });
  expect(await restarting).toMatchObject({ run: 2 });
  expect(engine.get(id)).toMatchObject({ run: 2, state: "running", desiredState: "running" });
});

test("a restart that fails leaves the process FAILED, also for the next daemon", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const script = join(runtimeDir, "script");
  writeFileSync(script, "#!/bin/sh\necho once\n");
  chmodSync(script, 0o755);
  const { id } = await complete(engine, spec(script));
  rmSync(script);
  const error = await refused(engine.restart(id, stopDefaults));
  expect(error).toMatchObject({ reason: "START_FAILED", metadata: { errno_name: "ENOENT", step: "exec" } });
  const failed = engine.get(id);
  expect(failed).toMatchObject({ state: "failed", run: 2, exit: null, startTime: null, treeAlive: false });
  expect(failed.failure).toMatchObject({ step: 11, errno: 2, path: script });
  expect(await text(engine, id, 1)).toBe("once\n");
  await engine.close();
  const next = await open({ runtimeDir });
  expect(next.get(id)).toMatchObject({ state: "failed", run: 2, failure: { step: 11, errno: 2, path: script } });
  writeFileSync(script, "#!/bin/sh\necho twice\n", { mode: 0o755 });
  expect(await next.restart(id, stopDefaults)).toMatchObject({ run: 3, failure: null });
});
