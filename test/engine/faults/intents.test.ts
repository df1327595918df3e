import { randomUUID } from "node:crypto";
import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { everything } from "../../../src/server/engine/api/list.ts";
import { prepareRuntimeDirectory } from "../../../src/server/engine/lifecycle/runtime-directory.ts";
import { readRecord } from "../../../src/server/engine/process/record.ts";
import { fillSpace, smallFileSystem } from "../../support/small-file-system.ts";
import {
  alive,
  complete,
  emptyDirectory,
  limit,
  open,
  refused,
  runtimeDirectory,
  shell,
  somebody,
  spec,
  start,
  stopDefaults,
  untilOutput,
} from "../harness.ts";
import { ScriptedDaemon } from "./daemon.ts";

/** Ends some seconds after it is asked to. */
const slow = shell("trap 'sleep 1; exit 5' TERM; echo ready; while :; do sleep 0.05; done");
const stubborn = shell("trap '' TERM; echo ready; while :; do sleep 60; done");

function isRemovalOnRecord(directory: string): boolean {
  const file = readRecord(directory);
  return file.kind === "readable" && file.record.intents.some(({ kind }) => kind === "remove");
}

describe("F4 what was asked for is carried on by the next daemon", () => {
  test("a restart cut short", async () => {
    const runtimeDir = runtimeDirectory();
    const id = randomUUID();
    const daemon = new ScriptedDaemon(runtimeDir, [
      { do: "start", id, spec: slow },
      { do: "restart", id, graceMs: 20_000, force: false },
    ]);
    await daemon.until("state 0 stopping");
    await daemon.kill();
    const engine = await open({ runtimeDir });
    for (let process = engine.get(id); process.run === 1 || process.state !== "running"; process = engine.get(id)) {
      await engine.wait(id, "exited", process.run, AbortSignal.timeout(200)).catch(() => {});
    }
    const { runs } = engine.engine.runs({ id });
    expect(runs.map(({ number, state }) => [number, state])).toEqual([
      [2, "running"],
      [1, "exited"],
    ]);
    expect(runs[0]?.cause).toMatchObject({ kind: "request", principal: "local" });
    expect(runs[1]?.exit).toMatchObject({ code: 5 });
  });

  test("a forced stop cut short, with what is left of its grace period", async () => {
    const runtimeDir = runtimeDirectory();
    const id = randomUUID();
    const daemon = new ScriptedDaemon(runtimeDir, [
      { do: "start", id, spec: stubborn },
      { do: "stop", id, graceMs: 1_500, force: true },
    ]);
    await daemon.until("state 0 stopping");
    await daemon.kill();
    const engine = await open({ runtimeDir });
    const stopped = await engine.wait(id, "treeGone", 0, limit());
    expect(stopped).toMatchObject({ state: "exited", exit: { signal: 9 }, desiredState: "stopped" });
    await engine.engine.wait({ id }, "treeGone", null, limit());
    for (let { stop } = engine.get(id); stop?.outcome === "pending"; { stop } = engine.get(id)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(engine.get(id).stop).toMatchObject({ outcome: "stopped", force: true, graceMs: 1_500, survivors: [] });
    expect(engine.get(id).stop?.killTime).not.toBeNull();
  });

  test("a restart or stop that is sent again is answered with what came of it, and done once", async () => {
    const runtimeDir = runtimeDirectory();
    const [first, second] = [randomUUID(), randomUUID()];
    const how = { graceMs: 20_000, force: false };
    const daemon = new ScriptedDaemon(runtimeDir, [
      { do: "start", id: first, spec: slow },
      { do: "start", id: second, spec: slow },
      { do: "restart", id: first, ...how, requestId: "restart-1" },
      { do: "stop", id: second, ...how, requestId: "stop-1" },
    ]);
    await Promise.all([daemon.until("state 0 stopping"), daemon.until("state 1 stopping")]);
    await daemon.kill();
    const engine = await open({ runtimeDir });
    const again = (requestId: string) => ({ ...somebody, requestId });
    const options = { signal: "", ...how };
    const [restarted, stopped] = await Promise.all([
      engine.engine.restart({ id: first }, options, null, again("restart-1")),
      engine.engine.stop({ id: second }, { ...options, wait: true }, again("stop-1")),
    ]);
    expect(restarted).toMatchObject({ state: "running", run: { number: 2 } });
    expect(stopped).toMatchObject({ receipt: { outcome: "stopped" }, process: { run: { exit: { code: 5 } } } });
    expect(engine.engine.runs({ id: first }).runs.map(({ number }) => number)).toEqual([2, 1]);
  });

  test("a forced removal cut short", async () => {
    const runtimeDir = runtimeDirectory();
    const wanted = Array.from({ length: 20 }, () => randomUUID());
    const daemon = new ScriptedDaemon(runtimeDir, [
      ...wanted.map((id) => ({ do: "start", id, spec: stubborn }) as const),
      ...wanted.map((id) => ({ do: "remove", id }) as const),
    ]);
    await daemon.until("state 0 stopping");
    await daemon.kill();
    const engine = await open({ runtimeDir });
    while (engine.engine.select(everything).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const id of wanted) expect(existsSync(join(runtimeDir, "p", id))).toBe(false);
  });
});

test("F4 a removal that is on record is finished, though its files are still there", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const { id } = await complete(engine, shell("echo over"));
  const directory = join(runtimeDir, "p", id);
  const copy = join(runtimeDir, "copy");
  cpSync(directory, copy, { recursive: true, filter: (path) => !path.endsWith("control") });
  const context = { ...somebody, requestId: "remove-1" };
  await engine.engine.remove({ id }, false, context);
  await engine.close();
  cpSync(copy, directory, { recursive: true });
  const next = await open({ runtimeDir });
  expect(next.engine.select(everything)).toEqual([]);
  expect(existsSync(directory)).toBe(false);
  expect(next.info().setAside).toEqual([]);
  expect(await next.engine.remove({ id }, false, context)).toBe(id);
  // Nothing keeps the id from being used again.
  await next.start({ id, spec: shell("echo again") });
  await next.close();
  const last = await open({ runtimeDir });
  expect(last.get(id).id).toBe(id);
});

test("F5 a restart without room leaves a healthy process alone", async (context) => {
  const base = smallFileSystem("size=2m");
  if (base === null) return context.skip("mounting a tmpfs needs privileges");
  const runtimeDir = join(base, "run");
  prepareRuntimeDirectory(runtimeDir);
  const engine = await open({ runtimeDir });
  const { id, pid } = await start(engine, shell("echo ready; exec sleep 1000"));
  await untilOutput(engine, id, "ready\n");
  fillSpace(join(base, "ballast"));
  const error = await refused(engine.restart(id, stopDefaults));
  expect(error).toMatchObject({ reason: "START_FAILED", metadata: { errno_name: "ENOSPC", step: "prepare" } });
  expect(engine.get(id)).toMatchObject({ state: "running", run: 1, pid, stop: null });
  expect(alive(pid)).toBe(true);
  rmSync(join(base, "ballast"));
  expect(await engine.restart(id, stopDefaults)).toMatchObject({ state: "running", run: 2 });
  await engine.close();
  await emptyDirectory(runtimeDir);
});

test("a stop has a receipt that is kept: who, why, what was done and when", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const { id } = await start(engine, stubborn);
  await untilOutput(engine, id, "ready\n");
  const context = { principal: "alice", requestId: "r-1", precondition: null };
  const options = { signal: "TERM", graceMs: 100, force: true, wait: true };
  const { receipt } = await engine.engine.stop({ id }, options, context);
  expect(receipt).toMatchObject({
    cause: { kind: "request", principal: "alice", requestId: "r-1" },
    signal: "TERM",
    graceMs: 100,
    force: true,
    outcome: "stopped",
    survivors: [],
  });
  const times = [receipt.requestTime, receipt.signalTime, receipt.killTime, receipt.endTime];
  expect(times.every((time) => time !== null)).toBe(true);
  expect([...times].sort((a, b) => Number((a ?? 0n) - (b ?? 0n)))).toEqual(times);
  await engine.close();
  const next = await open({ runtimeDir });
  expect(next.get(id).stop).toEqual(receipt);
  // Sent again, the same request does nothing and gets the same receipt.
  expect((await next.engine.stop({ id }, options, context)).receipt).toEqual(receipt);
});

test("a request with an id is carried out once, and its id is good for no other request", async () => {
  const engine = await open();
  const { id } = await start(engine, spec("sleep", ["1000"]));
  const context = { principal: "local", requestId: "again", precondition: null };
  const [first, second] = await Promise.all([
    engine.engine.restart({ id }, stopDefaults, null, context),
    engine.engine.restart({ id }, stopDefaults, null, context),
  ]);
  expect([first.run.number, second.run.number]).toEqual([2, 2]);
  expect((await engine.engine.restart({ id }, stopDefaults, null, context)).run.number).toBe(2);
  const other = await refused(engine.engine.signal({ id }, "SIGCONT", "main", context));
  expect(other).toMatchObject({ reason: "REQUEST_ID_REUSED", metadata: { request_id: "again" } });
  const elsewhere = { ...context, principal: "alice" };
  expect((await engine.engine.restart({ id }, stopDefaults, null, elsewhere)).run.number).toBe(3);
});

test("a precondition that does not hold keeps anything from being done", async () => {
  const engine = await open();
  const { id, pid, resourceVersion } = await start(engine, spec("sleep", ["1000"]));
  const run = { ...somebody, precondition: { run: 2, resourceVersion: "" } };
  const wait = { ...stopDefaults, wait: true };
  expect(await refused(engine.engine.stop({ id }, wait, run))).toMatchObject({
    reason: "CONDITION_FAILED",
    metadata: { field: "precondition.run", expected: "2", actual: "1" },
  });
  await engine.signal(id, "SIGCONT", "main");
  const version = { ...somebody, precondition: { run: null, resourceVersion } };
  expect((await refused(engine.engine.remove({ id }, true, version))).reason).toBe("CONDITION_FAILED");
  expect(alive(pid)).toBe(true);
  const now = { ...somebody, precondition: { run: 1, resourceVersion: engine.get(id).resourceVersion } };
  expect((await engine.engine.stop({ id }, wait, now)).receipt.outcome).toBe("stopped");
});

test.each([0, 1, 2, 3, 4, 5])(
  "interrupted at any moment, every accepted intention is carried out, once (%i)",
  async (seed) => {
    const runtimeDir = runtimeDirectory();
    const ids = Array.from({ length: 9 }, () => randomUUID());
    const kinds = ["restart", "stop", "remove"] as const;
    const kindOf = (index: number) => kinds[index % 3] ?? "stop";
    const quick = shell("trap 'sleep 0.15; exit 5' TERM; echo ready; while :; do sleep 0.03; done");
    const daemon = new ScriptedDaemon(runtimeDir, [
      ...ids.map((id) => ({ do: "start", id, spec: quick }) as const),
      ...ids.map((id, index) => {
        const kind = kindOf(index);
        return kind === "remove"
          ? ({ do: kind, id } as const)
          : ({ do: kind, id, graceMs: 20_000, force: true } as const);
      }),
    ]);
    await daemon.until(`done ${ids.length - 1}`);
    await new Promise((resolve) => setTimeout(resolve, seed * 40));
    await daemon.kill();
    // A removal is told of when it is done: on record alone, it may be done at any moment from now on.
    const accepted = new Set<string>(ids.filter((id) => isRemovalOnRecord(join(runtimeDir, "p", id))));
    const engine = await open({ runtimeDir });
    const options = { afterSequence: 0, filter: null, types: [], follow: false, heartbeatMs: 60_000 };
    for await (const frame of engine.engine.events(options, limit())) {
      if (frame.kind !== "event") continue;
      const { type, processId, cause } = frame.event;
      const isAsked = type === "restartRequested" || type === "stopRequested" || type === "removed";
      if (isAsked && cause.kind === "request") accepted.add(processId);
    }
    for (const [index, id] of ids.entries()) {
      const kind = kindOf(index);
      if (!accepted.has(id)) {
        expect(engine.get(id)).toMatchObject({ state: "running", run: 1 });
      } else if (kind === "restart") {
        while (engine.get(id).run === 1 || engine.get(id).state !== "running") {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        const { runs } = engine.engine.runs({ id });
        expect(runs.map(({ number, exit }) => [number, exit?.code])).toEqual([
          [2, undefined],
          [1, 5],
        ]);
      } else if (kind === "stop") {
        expect(await engine.wait(id, "treeGone", 0, limit())).toMatchObject({ run: 1, exit: { code: 5 } });
      } else {
        while (existsSync(join(runtimeDir, "p", id))) await new Promise((resolve) => setTimeout(resolve, 20));
        expect(engine.engine.select({ ...everything, ids: [id] })).toEqual([]);
      }
    }
  },
);
