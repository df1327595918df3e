import { describe, expect, test } from "vitest";
import { everything, type ProcessFilter } from "../../src/server/engine/api/list.ts";
import type { WatchEvent } from "../../src/server/engine/api/watch.ts";
import type { Bench as Engine } from "./harness.ts";
import { complete, limit, open, reasonOf, shell, spec, start, stopDefaults } from "./harness.ts";

/** A watch that is read one event at a time. */
class Watcher {
  readonly #events: AsyncIterator<WatchEvent>;

  constructor(engine: Engine, resourceVersion = "", filter: ProcessFilter = everything, bookmarkMs = 60_000) {
    this.#events = engine.watch({ resourceVersion, filter, bookmarkMs }, limit())[Symbol.asyncIterator]();
  }

  async next(): Promise<WatchEvent> {
    const { value, done } = await this.#events.next();
    if (done) throw new Error("the watch ended");
    return value;
  }

  /** Reads on until an event that this is true of. */
  async until(met: (event: WatchEvent) => boolean): Promise<WatchEvent> {
    for (;;) {
      const event = await this.next();
      if (met(event)) return event;
    }
  }

  async end(): Promise<void> {
    await this.#events.return?.();
  }
}

const label = (value: string): ProcessFilter => ({
  ...everything,
  labels: [{ key: "app", op: "equals", value }],
});

describe("watch", () => {
  test("begins with what there is, and then reports what happens", async () => {
    const engine = await open();
    const first = await complete(engine, spec("true"));
    const watcher = new Watcher(engine);
    expect(await watcher.next()).toMatchObject({ type: "added", process: { id: first.id }, resourceVersion: "" });
    expect(await watcher.next()).toMatchObject({ type: "bookmark" });
    const { id } = await start(engine, spec("sleep", ["60"]));
    expect(await watcher.next()).toMatchObject({ type: "added", process: { id } });
    await engine.stop(id, stopDefaults);
    await watcher.until((event) => event.type === "modified" && event.process.state === "exited");
    await engine.remove(id, true);
    expect(await watcher.until(({ type }) => type === "removed")).toMatchObject({ id });
    await watcher.end();
  });

  test("changes that nobody has read yet are one", async () => {
    const engine = await open();
    const { id } = await complete(engine, spec("true"));
    const watcher = new Watcher(engine);
    await watcher.until(({ type }) => type === "bookmark");
    for (let run = 0; run < 5; run++) await engine.restart(id, stopDefaults);
    await engine.wait(id, "treeGone", 0, limit());
    await engine.wait(id, "outputComplete", 0, limit());
    // The first read may have been waiting for the first change.
    const events = [await watcher.next()];
    while (events.at(-1)?.type !== "modified" || !settled(events.at(-1))) events.push(await watcher.next());
    expect(events.length).toBeLessThanOrEqual(3);
    expect(events.at(-1)).toMatchObject({ process: { run: { number: 6 } } });
    await watcher.end();
  });

  test("resumes from a list, a process or an event, and misses nothing", async () => {
    const engine = await open();
    const old = await complete(engine, spec("true"));
    const gone = await complete(engine, spec("true"));
    const { resourceVersion } = await engine.list(everything, { size: 0, token: "" });
    await engine.remove(gone.id, false);
    const fresh = await complete(engine, spec("true"));
    await engine.restart(old.id, stopDefaults);
    const watcher = new Watcher(engine, resourceVersion);
    expect(await watcher.next()).toMatchObject({ type: "bookmark", resourceVersion });
    const removed = await watcher.next();
    expect(removed).toMatchObject({ type: "removed", id: gone.id });
    expect(await watcher.next()).toMatchObject({ type: "added", process: { id: fresh.id } });
    expect(await watcher.next()).toMatchObject({ type: "modified", process: { id: old.id, run: { number: 2 } } });
    await watcher.end();
    const later = new Watcher(engine, removed.resourceVersion);
    await later.next();
    expect(await later.next()).toMatchObject({ type: "added", process: { id: fresh.id } });
    await later.end();
  });

  test("of a filter, reports what ceases to fit as removed", async () => {
    const engine = await open();
    const running: ProcessFilter = { ...label("web"), states: ["running"] };
    const watcher = new Watcher(engine, "", running);
    expect(await watcher.next()).toMatchObject({ type: "bookmark" });
    await start(engine, spec("sleep", ["60"], { labels: { app: "db" } }));
    const { id } = await start(engine, spec("sleep", ["60"], { labels: { app: "web" } }));
    expect(await watcher.next()).toMatchObject({ type: "added", process: { id, state: "running" } });
    await engine.stop(id, stopDefaults);
    expect(await watcher.until(({ type }) => type !== "modified")).toMatchObject({ type: "removed", id });
    await watcher.end();
  });

  test("sends bookmarks while nothing happens", async () => {
    const engine = await open();
    const watcher = new Watcher(engine, "", everything, 20);
    const bookmark = await watcher.next();
    expect(await watcher.next()).toEqual(bookmark);
    await watcher.end();
  });

  test("refuses a version of another daemon, of the future, and nonsense", async () => {
    const engine = await open();
    const { resourceVersion } = await engine.list(everything, { size: 0, token: "" });
    const [instance] = resourceVersion.split("-");
    const other = await open();
    const versions = [
      `${instance}-9999`,
      (await other.list(everything, { size: 0, token: "" })).resourceVersion,
      "nonsense",
    ];
    const reasons = await Promise.all(versions.map((version) => reasonOf(new Watcher(engine, version).next())));
    expect(reasons).toEqual(["RESOURCE_VERSION_EXPIRED", "RESOURCE_VERSION_EXPIRED", "INVALID_ARGUMENT"]);
  });

  test("growth of output alone is no change", async () => {
    const engine = await open();
    const { id } = await start(engine, shell("echo a; read line; echo b; exec sleep 60", { stdin: "pipe" }));
    await engine.readOutput(id, { run: 0, start: { kind: "offset", offset: 0 }, streams: [], maxBytes: 10 });
    const { resourceVersion, output } = engine.get(id);
    await engine.writeInput(id, Buffer.from("go\n"), false, limit());
    for await (const frame of engine.streamOutput(
      id,
      { run: 0, start: { kind: "offset", offset: output.nextOffset }, streams: [], follow: true, heartbeatMs: 1000 },
      limit(),
    )) {
      if (frame.kind === "chunk" && Buffer.from(frame.chunk.data).toString().includes("b")) break;
    }
    const later = engine.get(id);
    expect(later.output.nextOffset).toBe(4);
    expect(later.resourceVersion).toBe(resourceVersion);
  });
});

function settled(event: WatchEvent | undefined): boolean {
  return (
    event?.type === "modified" &&
    event.process.state === "exited" &&
    event.process.run.output.complete &&
    !event.process.run.treeAlive &&
    event.process.run.number === 6
  );
}

describe("list", () => {
  test("pages in order of creation, each process once", async () => {
    const engine = await open();
    const ids: string[] = [];
    for (let index = 0; index < 7; index++) ids.push((await start(engine, spec("true"))).id);
    const seen: string[] = [];
    let token = "";
    do {
      const page = await engine.list(everything, { size: 3, token });
      expect(page.totalSize).toBe(7 - (seen.length > 0 ? 1 : 0));
      seen.push(...page.processes.map(({ id }) => id));
      token = page.nextPageToken;
      // What the page before showed may go meanwhile.
      if (seen.length === 3) await engine.remove(ids[1] ?? "", true);
    } while (token !== "");
    expect(seen).toEqual(ids);
  });

  test("filters by label, state and reference", async () => {
    const engine = await open();
    const web = await start(engine, spec("sleep", ["60"], { name: "web", labels: { app: "web", tier: "front" } }));
    const db = await complete(engine, spec("true", [], { labels: { app: "db" } }));
    const list = async (filter: Partial<ProcessFilter>) =>
      (await engine.list({ ...everything, ...filter }, { size: 0, token: "" })).processes.map(({ id }) => id);
    expect(await list({ labels: [{ key: "app", op: "equals", value: "web" }] })).toEqual([web.id]);
    expect(await list({ labels: [{ key: "tier", op: "notEquals", value: "back" }] })).toEqual([web.id, db.id]);
    expect(await list({ labels: [{ key: "tier", op: "exists", value: "" }] })).toEqual([web.id]);
    expect(await list({ labels: [{ key: "tier", op: "notExists", value: "" }] })).toEqual([db.id]);
    expect(await list({ states: ["exited"] })).toEqual([db.id]);
    expect(await list({ names: ["web", "nobody"], idPrefixes: [db.id.slice(0, 8)] })).toEqual([web.id, db.id]);
    expect(await list({ ids: [db.id], namePatterns: ["w?[a-c]"], states: ["running"] })).toEqual([web.id]);
    expect(await list({ names: ["nobody"] })).toEqual([]);
    expect(await list({ createdAfter: db.createTime })).toEqual([db.id]);
    expect(await list({ createdBefore: db.createTime })).toEqual([web.id]);
    expect(await list({ endedAfter: db.exitTime })).toEqual([db.id]);
    expect(await list({ endedBefore: db.exitTime })).toEqual([]);
    expect(engine.info().counts).toMatchObject({ running: 1, exited: 1, lost: 0 });
  });

  test("knows which processes are not over, one whose child outlives it among them", async () => {
    const engine = await open();
    const running = await start(engine, spec("sleep", ["60"]));
    const over = await complete(engine, spec("true"));
    const parent = await start(engine, shell("sleep 60 &"));
    await engine.wait(parent.id, "exited", 0, limit());
    const watcher = new Watcher(engine, "", { ...everything, living: true });
    await watcher.until(({ type }) => type === "bookmark");
    const list = async (living: boolean) =>
      (await engine.list({ ...everything, living }, { size: 0, token: "" })).processes.map(({ id }) => id);
    expect(await list(true)).toEqual([running.id, parent.id]);
    expect(await list(false)).toEqual([over.id]);
    await engine.stop(parent.id, stopDefaults);
    expect(await watcher.until(({ type }) => type === "removed")).toMatchObject({ id: parent.id, removal: "filter" });
    expect(await list(false)).toEqual([over.id, parent.id]);
    expect(await list(true)).toEqual([running.id]);
    await watcher.end();
  });

  test("ends a page where the caller has no room left, never before its first process", async () => {
    const engine = await open();
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) ids.push((await start(engine, spec("true"))).id);
    const asked: string[] = [];
    const fits = ({ id }: { id: string }) => asked.push(id) === 2;
    const first = await engine.list(everything, { size: 10, token: "", fits });
    expect(first.processes.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(asked).toEqual(ids);
    const rest = await engine.list(everything, { size: 10, token: first.nextPageToken, fits: () => false });
    expect(rest.processes.map(({ id }) => id)).toEqual(ids.slice(2));
    expect([rest.nextPageToken, rest.totalSize]).toEqual(["", 3]);
  });

  test("of many processes leaves others their turn", async () => {
    const engine = await open();
    for (let index = 0; index < 220; index++) await start(engine, spec("sleep", ["60"]));
    let turns = 0;
    const list = engine.list(everything, { size: 1000, token: "" });
    const takeTurns = () => {
      turns++;
      turn = setImmediate(takeTurns);
    };
    let turn = setImmediate(takeTurns);
    expect((await list).processes).toHaveLength(220);
    clearImmediate(turn);
    expect(turns).toBeGreaterThan(0);
  });

  test("refuses a page token of another query, and nonsense", async () => {
    const engine = await open();
    for (let index = 0; index < 3; index++) await start(engine, spec("true"));
    const { nextPageToken } = await engine.list(everything, { size: 2, token: "" });
    expect(await reasonOf(() => engine.list(label("x"), { size: 2, token: nextPageToken }))).toBe("PAGE_TOKEN_INVALID");
    expect(await reasonOf(() => engine.list(everything, { size: 2, token: "??" }))).toBe("PAGE_TOKEN_INVALID");
  });
});
