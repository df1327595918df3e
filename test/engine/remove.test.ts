import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { everything } from "../../src/server/engine/api/list.ts";
import type { Bench as Engine, Shown as ProcessInfo } from "./harness.ts";
import {
  alive,
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
  untilOutput,
  zygoteIn,
} from "./harness.ts";

describe("remove", () => {
  test("forgets an ended process and frees its files", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    const { id } = await complete(engine, shell("echo x"));
    expect(await engine.remove(id, false)).toBe(id);
    expect(readdirSync(join(runtimeDir, "p"))).toEqual([]);
    expect(await reasonOf(engine.remove(id, false))).toBe("PROCESS_NOT_FOUND");
  });

  test("of a living process needs force, which kills the tree", async () => {
    const engine = await open();
    const { id, pid } = await start(engine, shell("trap '' TERM; setsid sleep 60 & echo ready; wait; sleep 61"));
    await untilOutput(engine, id, "ready");
    const error = await refused(engine.remove(id, false));
    expect(error.reason).toBe("STILL_RUNNING");
    const pids = (error.metadata["pids"] ?? "").split(",").map(Number);
    expect(pids).toContain(pid);
    const waiting = reasonOf(engine.wait(id, "treeGone", 2, limit()).catch((cause) => Promise.reject(cause)));
    const twice = [engine.remove(id, true), engine.remove(id, true).catch((cause) => cause.reason)];
    expect(await Promise.all(twice)).toEqual([id, "PROCESS_NOT_FOUND"]);
    expect(await waiting).toBe("RUN_NOT_FOUND");
    expect(pids.filter(alive)).toEqual([]);
  });

  test("a wait for a process that is removed ends", async () => {
    const engine = await open();
    const { id } = await complete(engine, shell("exit 0"));
    await engine.restart(id, stopDefaults);
    const { id: sleeper } = await start(engine, spec("sleep", ["60"]));
    const waiting = engine.wait(sleeper, "outputComplete", 0, limit()).then(
      ({ state }) => state,
      (error) => error.reason,
    );
    await engine.remove(sleeper, true);
    // The end of the process and its removal may be seen as one.
    expect(["exited", "PROCESS_NOT_FOUND"]).toContain(await waiting);
  });

  test("its id is free at once, though nobody has seen its shim's end yet", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    const { id } = await start(engine, spec("sleep", ["60"]));
    const zygote = zygoteIn(runtimeDir);
    process.kill(zygote, "SIGSTOP");
    let again: Promise<ProcessInfo>;
    try {
      await engine.remove(id, true);
      again = start(engine, shell("exit 3"), id);
    } finally {
      process.kill(zygote, "SIGCONT");
    }
    expect(await again).toMatchObject({ id, run: 1 });
    expect((await engine.wait(id, "exited", 0, limit())).exit?.code).toBe(3);
  });

  test("a writer outside the tree does not keep it, nor its shim", async () => {
    const engine = await open();
    const { id } = await start(engine, shell("echo $$; sleep 60"));
    await untilOutput(engine, id, "\n");
    const { pid } = engine.get(id);
    // Somebody else opens the process's output and holds on to it.
    const holder = await start(engine, shell(`exec 9> /proc/${pid}/fd/1; echo held; exec sleep 60`));
    await untilOutput(engine, holder.id, "held");
    const shim = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    await engine.stop(id, stopDefaults);
    expect(engine.get(id)).toMatchObject({ state: "exited", treeAlive: false, output: { complete: false } });
    await engine.remove(id, false);
    const end = performance.now() + 20_000;
    while (alive(shim) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(alive(shim)).toBe(false);
  });
});

describe("prune", () => {
  test("removes what has ended, and says what it frees", async () => {
    const runtimeDir = runtimeDirectory();
    const engine = await open({ runtimeDir });
    const old = await complete(engine, shell("head -c 100000 /dev/zero", { labels: { app: "a" } }));
    const other = await complete(engine, spec("true"));
    const living = await start(engine, spec("sleep", ["60"]));
    const leaving = await start(engine, shell("sleep 60 & exit 0"));
    await engine.wait(leaving.id, "exited", 0, limit());
    const labelled = { ...everything, labels: [{ key: "app", op: "exists", value: "" } as const] };
    expect((await engine.prune(everything, 3_600_000, false)).ids).toEqual([]);
    const dry = await engine.prune(labelled, 0, true);
    expect(dry.ids).toEqual([old.id]);
    expect(dry.freedBytes).toBeGreaterThan(100_000);
    expect(engine.get(old.id).state).toBe("exited");
    expect(new Set((await engine.prune(everything, 0, false)).ids)).toEqual(new Set([old.id, other.id]));
    expect(existsSync(join(runtimeDir, "p", old.id))).toBe(false);
    expect([engine.get(living.id).state, engine.get(leaving.id).treeAlive]).toEqual(["running", true]);
  });
});

describe("retention", () => {
  async function untilRemoved(engine: Engine, count: number): Promise<string[]> {
    const left = async () => (await engine.list(everything, { size: 100, token: "" })).processes;
    for await (const event of engine.watch({ resourceVersion: "", filter: everything, bookmarkMs: 60_000 }, limit())) {
      if (event.type !== "added" && (await left()).length <= count) break;
    }
    return (await left()).map(({ id }) => id);
  }

  test("lets the oldest ends go when there are too many, and no living tree", async () => {
    const engine = await open({ retention: { count: 2, ageMs: 3_600_000 } });
    const leaving = await start(engine, shell("sleep 60 & exit 0"));
    await engine.wait(leaving.id, "exited", 0, limit());
    const ended: string[] = [];
    for (let index = 0; index < 5; index++) ended.push((await complete(engine, spec("true"))).id);
    expect(await untilRemoved(engine, 3)).toEqual([leaving.id, ...ended.slice(-2)]);
  });

  test("lets ended processes go by age, also those of an earlier daemon", async () => {
    const runtimeDir = runtimeDirectory();
    const first = await open({ runtimeDir });
    await complete(first, spec("true"));
    const living = await start(first, spec("sleep", ["60"]));
    await first.close();
    const engine = await open({ runtimeDir, retention: { count: 10, ageMs: 50 } });
    expect(await untilRemoved(engine, 1)).toEqual([living.id]);
  });
});
