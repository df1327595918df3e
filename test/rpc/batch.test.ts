import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { Engine, ProcessInfo, RequestContext } from "../../src/server/engine/api/index.ts";
import { EngineError } from "../../src/server/engine/errors.ts";
import { eachInParallel } from "../../src/server/rpc/batch.ts";
import { all, failureOf } from "./failure.ts";
import { clientOn, engineOf, manyProcesses, someReceipt, someRun } from "./fake-engine.ts";

const running = { state: "running", run: { ...someRun, state: "running" } } as const;

async function next<T>(stream: AsyncIterator<T>): Promise<T> {
  const { value, done } = await stream.next();
  return done === true ? expect.fail("the stream has ended") : value;
}

describe("a call by filter", () => {
  test("opens with what is selected, and sends each result as it comes", async () => {
    const processes = manyProcesses(3, running);
    const stops = new Map(processes.map(({ id }) => [id, Promise.withResolvers<void>()]));
    const { client } = clientOn({
      ...engineOf(processes),
      stop: async ({ id = "" }, options) => {
        expect(options).toEqual({ signal: "SIGINT", graceMs: null, force: true, wait: true });
        await stops.get(id)?.promise;
        return { process: processes.find((process) => process.id === id) as ProcessInfo, receipt: someReceipt };
      },
    });
    const stream = client.stopProcesses({ all: true, options: { signal: "INT", force: true } })[Symbol.asyncIterator]();
    expect((await next(stream)).frame).toMatchObject({ case: "opened", value: { selected: 3 } });
    for (const { id, name } of processes.toReversed()) {
      stops.get(id)?.resolve();
      expect((await next(stream)).frame).toMatchObject({
        case: "result",
        value: { process: { id, name }, receipt: {} },
      });
    }
    expect((await stream.next()).done).toBe(true);
  });

  test("names the reason for each process for which it could not be done", async () => {
    const [good, bad, gone, broken] = manyProcesses(4) as [ProcessInfo, ProcessInfo, ProcessInfo, ProcessInfo];
    const known = engineOf([good, bad, broken]);
    let removed = false;
    const { client, logged } = clientOn({
      select: () => [good.id, bad.id, gone.id, broken.id],
      get: (ref) => (ref.id === gone.id && !removed ? gone : known.get(ref)),
      restart: async ({ id }) => {
        removed = true;
        if (id === bad.id) {
          throw new EngineError("STILL_RUNNING", "it did not stop", { id: bad.id, pids: "7" });
        }
        if (id === gone.id) {
          throw new EngineError("PROCESS_NOT_FOUND", "no such process");
        }
        if (id === broken.id) {
          throw new Error("secret detail");
        }
        return good;
      },
    });
    const frames = await all(client.restartProcesses({ filter: { labelSelector: "a" } }));
    const results = frames.slice(1).map(({ frame }) => frame.value);
    expect(results).toMatchObject([
      { process: { id: good.id } },
      {
        process: { id: bad.id, name: "p2" },
        error: { reason: "STILL_RUNNING", message: "it did not stop", metadata: { id: bad.id, pids: "7" } },
      },
      { process: { id: gone.id, name: gone.name, state: 4 }, error: { reason: "PROCESS_NOT_FOUND" } },
      { process: { id: broken.id }, error: { reason: "INTERNAL", metadata: { error_id: expect.any(String) } } },
    ]);
    expect(JSON.stringify(results[3], (_key, value) => (typeof value === "bigint" ? "" : value))).not.toContain(
      "secret",
    );
    expect(logged()).toContain("secret detail");
  });

  test("that signals passes over what has ended", async () => {
    const [a, b, c, d] = manyProcesses(4) as [ProcessInfo, ProcessInfo, ProcessInfo, ProcessInfo];
    const processes: ProcessInfo[] = [
      { ...a, ...running },
      b,
      { ...c, state: "lost", run: { ...someRun, survivors: [{ pid: 1, command: "x", state: "sleeping" }] } },
      { ...d, state: "waiting" },
    ];
    const { client } = clientOn({
      ...engineOf(processes),
      signal: async ({ id }) => processes.find((process) => process.id === id) as ProcessInfo,
    });
    const frames = await all(client.signalProcesses({ all: true, signal: "HUP" }));
    expect(frames.map(({ frame }) => frame)).toMatchObject([
      { case: "opened", value: { selected: 2 } },
      { case: "result", value: { process: { id: a.id } } },
      { case: "result", value: { process: { id: c.id } } },
    ]);
  });

  test("that removes tells id and name", async () => {
    const processes = manyProcesses(1);
    const { client } = clientOn({ ...engineOf(processes), remove: async ({ id = "" }) => id });
    const [, result] = await all(client.removeProcesses({ all: true }));
    expect(result?.frame.value).toMatchObject({ id: processes[0]?.id, name: "p1" });
  });

  test("goes on when its caller goes away", async () => {
    const processes = manyProcesses(600, running);
    const stopped: string[] = [];
    const allStopped = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const { client } = clientOn({
      ...engineOf(processes),
      stop: async ({ id = "" }, _options, _context, signal) => {
        await gate.promise;
        signal?.throwIfAborted();
        stopped.push(id);
        if (stopped.length === processes.length) {
          allStopped.resolve();
        }
        return { process: processes[0] as ProcessInfo, receipt: someReceipt };
      },
    });
    const call = new AbortController();
    const stream = client.stopProcesses({ all: true }, { signal: call.signal })[Symbol.asyncIterator]();
    await next(stream);
    call.abort();
    expect((await failureOf(stream.next())).code).toBe(Code.Canceled);
    gate.resolve();
    await allStopped.promise;
    expect(new Set(stopped).size).toBe(600);
  });

  test.each(["stopProcesses", "signalProcesses", "restartProcesses", "removeProcesses"] as const)(
    "%s with an empty filter needs `all`",
    async (method) => {
      const { client } = clientOn({});
      for (const filter of [undefined, {}, { labelSelector: " " }]) {
        const request = { signal: "HUP", ...(filter && { filter }) };
        expect(await failureOf(all(client[method](request) as AsyncIterable<unknown>))).toMatchObject({
          code: Code.InvalidArgument,
          reason: "ALL_REQUIRED",
          metadata: { field: "all" },
        });
      }
    },
  );

  test("PruneProcesses with neither filter nor age needs `all`", async () => {
    const asked: unknown[] = [];
    const { client } = clientOn({
      prune: async (_filter, olderThanMs, dryRun) => {
        asked.push([olderThanMs, dryRun]);
        return { ids: [], freedBytes: 5 };
      },
    });
    expect(await failureOf(client.pruneProcesses({ dryRun: true }))).toMatchObject({ reason: "ALL_REQUIRED" });
    await client.pruneProcesses({ olderThan: { seconds: 0n } });
    await client.pruneProcesses({ filter: { states: [5] }, dryRun: true });
    expect(await client.pruneProcesses({ all: true })).toMatchObject({ freedBytes: 5n });
    expect(asked).toEqual([
      [0, false],
      [0, true],
      [0, false],
    ]);
  });
});

describe("a call by filter with a request id", () => {
  async function setUp() {
    let processes = manyProcesses(2, running);
    const contexts: RequestContext[] = [];
    const engine: Partial<Engine> = {
      ...engineOf([]),
      select: () => processes.map(({ id }) => id),
      get: (ref) => engineOf(processes).get(ref),
      stop: async ({ id }, _options, context) => {
        contexts.push(context);
        return { process: processes.find((process) => process.id === id) as ProcessInfo, receipt: someReceipt };
      },
    };
    const { client } = clientOn(engine);
    return { client, contexts, become: (count: number) => (processes = manyProcesses(count, running)) };
  }

  test("is about the same processes when it is sent again", async () => {
    const { client, contexts, become } = await setUp();
    const request = { all: true, requestId: "r" };
    await all(client.stopProcesses(request));
    become(3);
    expect(await all(client.stopProcesses(request))).toHaveLength(3);
    const ids = contexts.map(({ requestId }) => requestId);
    // A share of its own for each process, the same each time: the engine carries out each once.
    expect(ids.slice(0, 2)).toEqual(ids.slice(2));
    expect(new Set(ids).size).toBe(2);
    expect(await all(client.stopProcesses({ all: true, requestId: "s" }))).toHaveLength(4);
  });

  test("is refused when another request had the id", async () => {
    const { client } = await setUp();
    await all(client.stopProcesses({ all: true, requestId: "r" }));
    expect(
      await failureOf(all(client.stopProcesses({ all: true, options: { force: true }, requestId: "r" }))),
    ).toMatchObject({
      code: Code.AlreadyExists,
      reason: "REQUEST_ID_REUSED",
      metadata: { request_id: "r" },
    });
    expect((await failureOf(all(client.restartProcesses({ all: true, requestId: "r" })))).reason).toBe(
      "REQUEST_ID_REUSED",
    );
  });
});

test("at most 256 are under way at a time", async () => {
  const ids = Array.from({ length: 1000 }, (_, index) => String(index));
  let underWay = 0;
  let most = 0;
  const results = await all(
    eachInParallel(ids, async (id) => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      return id;
    }),
  );
  expect(most).toBe(256);
  expect(results.toSorted((a, b) => Number(a) - Number(b))).toEqual(ids);
});
