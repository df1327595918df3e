import { describe, expect, test } from "vitest";
import type { EventsFrame, JournalEvent, StreamEventsOptions } from "../../src/server/engine/api/event.ts";
import { everything } from "../../src/server/engine/api/list.ts";
import type { WatchEvent } from "../../src/server/engine/api/watch.ts";
import {
  type Bench,
  complete,
  limit,
  open,
  reasonOf,
  runtimeDirectory,
  shell,
  somebody,
  spec,
  start,
  stopDefaults,
} from "./harness.ts";

const whole: StreamEventsOptions = { afterSequence: null, filter: null, types: [], follow: false, heartbeatMs: 60_000 };

async function frames(bench: Bench, options: Partial<StreamEventsOptions> = {}): Promise<EventsFrame[]> {
  const all: EventsFrame[] = [];
  for await (const frame of bench.engine.events({ ...whole, ...options }, limit())) all.push(frame);
  return all;
}

async function events(bench: Bench, options: Partial<StreamEventsOptions> = {}): Promise<JournalEvent[]> {
  return (await frames(bench, options)).flatMap((frame) => (frame.kind === "event" ? [frame.event] : []));
}

function of(id: string): Partial<StreamEventsOptions> {
  return { filter: { ...everything, ids: [id] } };
}

describe("events", () => {
  test("tell a process's whole life, with causes, over daemons", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    const { id } = await start(engine, spec("sleep", ["1000"], { name: "web" }));
    await engine.close();
    const next = await open({ runtimeDir });
    const context = { principal: "alice", requestId: "r-7", precondition: null };
    await next.engine.stop({ id }, { ...stopDefaults, wait: true }, context);
    await next.engine.remove({ id }, false, somebody);
    const all = await events(next, of(id));
    expect(all.map(({ type, from, to }) => [type, from, to])).toEqual([
      ["created", null, "starting"],
      ["stateChanged", "starting", "running"],
      ["stateChanged", "running", "stopping"],
      ["stopRequested", null, null],
      ["stateChanged", "stopping", "exited"],
      ["treeGone", null, null],
      ["removed", null, null],
    ]);
    for (const event of all) expect(event).toMatchObject({ processId: id, processName: "web", run: 1 });
    const by = (principal: string, requestId: string) => ({ kind: "request", principal, requestId });
    expect(all[0]?.cause).toMatchObject(by("local", ""));
    expect(all[3]?.cause).toMatchObject(by("alice", "r-7"));
    expect(all[4]).toMatchObject({ cause: by("alice", "r-7"), exit: { signal: 15, signalName: "SIGTERM" } });
    const numbers = all.map(({ sequence }) => sequence);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    const daemons = (await events(next)).filter(({ processId }) => processId === "").map(({ type }) => type);
    expect(daemons).toEqual(["daemonStarted", "daemonStopped", "daemonStarted"]);
  });

  test("follow, begin after a number, and select types", async () => {
    const engine = await open();
    const first = await complete(engine, spec("true"));
    const seen: JournalEvent[] = [];
    const types = ["created", "removed"] as const;
    const options = { ...whole, types, follow: true, afterSequence: first.sequence };
    const following = (async () => {
      for await (const frame of engine.engine.events(options, limit())) {
        if (frame.kind === "event") seen.push(frame.event);
        if (seen.length === 2) return;
      }
    })();
    const second = await complete(engine, spec("true"));
    await engine.remove(first.id, false);
    await following;
    expect(seen.map(({ type, processId }) => [type, processId])).toEqual([
      ["created", second.id],
      ["removed", first.id],
    ]);
  });

  test("say what the journal has dropped, and go on", async () => {
    const engine = await open({ journal: { bytes: 128 * 1024 } });
    for (let index = 0; index < 400; index++) {
      const { id } = await start(engine, spec("true"));
      await engine.wait(id, "treeGone", 0, limit());
      await engine.remove(id, false);
    }
    const all = await frames(engine, { afterSequence: 0 });
    const [opened, dropped, event] = all;
    if (opened?.kind !== "opened" || dropped?.kind !== "dropped" || event?.kind !== "event") throw new Error("no gap");
    expect(dropped).toEqual({ kind: "dropped", from: 1, to: opened.firstSequence });
    expect(event.event.sequence).toBeGreaterThanOrEqual(opened.firstSequence);
    const { journal } = engine.info();
    expect(journal.id).toBe(opened.journalId);
    expect(journal.bytes).toBeLessThanOrEqual(journal.maxBytes);
  });

  test("a failed start is created and removed, and no watcher hears of it", async () => {
    const engine = await open();
    const abort = new AbortController();
    const heard: WatchEvent[] = [];
    const watching = (async () => {
      for await (const event of engine.watch(
        { resourceVersion: "", filter: everything, bookmarkMs: 60_000 },
        abort.signal,
      ))
        heard.push(event);
    })().catch(() => {});
    await reasonOf(start(engine, spec("/no/such")));
    const { id } = await complete(engine, spec("true"));
    const isOver = (event: WatchEvent) => "process" in event && event.process.state === "exited";
    while (!heard.some(isOver)) await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    await watching;
    expect(new Set(heard.flatMap((event) => ("process" in event ? [event.process.id] : [])))).toEqual(new Set([id]));
    const failed = (await events(engine)).filter(({ processId }) => processId !== id && processId !== "");
    expect(failed.map(({ type, to, cause }) => [type, to, cause.kind])).toEqual([
      ["created", "starting", "request"],
      ["stateChanged", "failed", "startFailure"],
      ["removed", null, "startFailure"],
    ]);
  });
});

test("a watch resumes over a restart of the daemon, and is told what happened in between", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const quiet = await start(engine, spec("sleep", ["1000"]));
  const ending = await start(engine, shell("read line; exit 3", { stdin: "pipe" }));
  const gone = await complete(engine, spec("true"));
  const { resourceVersion } = await engine.list(everything, { size: 10, token: "" });
  await engine.remove(gone.id, false);
  await engine.close();
  process.kill(ending.pid, "SIGKILL");
  const next = await open({ runtimeDir });
  await next.wait(ending.id, "treeGone", 0, limit());
  const fresh = await start(next, spec("sleep", ["1000"]));
  const heard: WatchEvent[] = [];
  for await (const event of next.watch({ resourceVersion, filter: everything, bookmarkMs: 60_000 }, limit())) {
    heard.push(event);
    if ("process" in event && event.process.id === fresh.id) break;
  }
  const what = heard.map((event) => [
    event.type,
    "process" in event ? event.process.id : "id" in event ? event.id : "",
  ]);
  expect(what).toEqual([
    ["bookmark", ""],
    ["removed", gone.id],
    ["modified", ending.id],
    ["added", fresh.id],
  ]);
  expect(heard[1]).toMatchObject({ removal: "removed", cause: { kind: "request", principal: "local" } });
  expect(next.get(quiet.id).resourceVersion).toBe(quiet.resourceVersion);
});

test("retention's removals are told apart", async () => {
  const engine = await open({ retention: { count: 1 } });
  const first = await complete(engine, spec("true"));
  const options = { resourceVersion: first.resourceVersion, filter: everything, bookmarkMs: 60_000 };
  const watching = (async () => {
    for await (const event of engine.watch(options, limit())) if (event.type === "removed") return event;
    return null;
  })();
  await complete(engine, spec("true"));
  expect(await watching).toMatchObject({ id: first.id, removal: "retention", cause: { kind: "retention" } });
});

test("a process's name, labels and next spec can be changed; its run is not touched", async () => {
  const runtimeDir = runtimeDirectory();
  const engine = await open({ runtimeDir });
  const { id, pid } = await start(engine, shell("echo one; exec sleep 1000", { name: "web" }));
  const other = await start(engine, spec("sleep", ["1000"], { name: "db" }));
  const { name: _name, labels: _labels, ...second } = shell("echo two; exec sleep 1000");
  const changed = await engine.engine.update(
    { id },
    () => ({ name: "api", labels: { a: "1" }, spec: second }),
    somebody,
  );
  expect(changed).toMatchObject({ name: "api", labels: { a: "1" }, run: { number: 1, pid } });
  expect(await reasonOf(engine.engine.update({ id }, () => ({ name: "db" }), somebody))).toBe("NAME_IN_USE");
  expect(engine.engine.get({ name: "api" }).id).toBe(id);
  expect(await reasonOf(() => engine.engine.get({ name: "web" }))).toBe("PROCESS_NOT_FOUND");
  await engine.close();
  const next = await open({ runtimeDir });
  expect(next.engine.get({ name: "api" })).toMatchObject({ id, labels: { a: "1" }, spec: { args: second.args } });
  expect(next.engine.get({ name: "db" }).id).toBe(other.id);
  expect(await next.restart(id, stopDefaults)).toMatchObject({ run: 2, spec: { args: second.args } });
});
