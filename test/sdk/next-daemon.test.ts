/** Calls that are under way when the daemon goes: what is made again, what is not, and who starts the next one. */
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type ConnectionEvent, PmError, ProcessManager } from "../../src/sdk/index.ts";
import {
  aborted,
  contractError,
  exitedProcess,
  failure,
  runningProcess,
  type Script,
  ScriptedDaemon,
} from "./support/scripted-daemon.ts";

const id = "8d3f4b1e-0d52-4a53-9a3f-3d5f0c6b7a10";
const pending = new Promise<never>(() => {});

/** Every call that changes something, and what the daemon sees of it. */
const changes = {
  stop: (pm: ProcessManager) => pm.processes.stop(id),
  restart: (pm: ProcessManager) => pm.processes.restart(id, { spec: { executable: "true" } }),
  signal: (pm: ProcessManager) => pm.processes.signal(id, 1),
  update: (pm: ProcessManager) => pm.processes.update(id, { name: "x" }),
  remove: (pm: ProcessManager) => pm.processes.remove(id),
} as const;

/** Answers every change, and notes the ids of the requests. */
function changing(requestIds: string[], first: () => Promise<void>): NonNullable<Script["process"]> {
  const seen = async (requestId: string): Promise<void> => {
    requestIds.push(requestId);
    if (requestIds.length === 1) {
      await first();
    }
  };
  return {
    stopProcess: async ({ requestId }) => {
      await seen(requestId);
      return { process: exitedProcess(id, 0), receipt: { outcome: 2 } };
    },
    restartProcess: async ({ requestId }) => {
      await seen(requestId);
      return { process: runningProcess(id, 2) };
    },
    signalProcess: async ({ requestId }) => {
      await seen(requestId);
      return { process: runningProcess(id) };
    },
    updateProcess: async ({ requestId }) => {
      await seen(requestId);
      return { process: runningProcess(id) };
    },
    removeProcess: async ({ requestId }) => {
      await seen(requestId);
      return { id };
    },
  };
}

test.each(Object.keys(changes) as (keyof typeof changes)[])(
  "%s is made again with the same request id when the daemon is killed, and by then another one is started",
  async (name) => {
    const requestIds: string[] = [];
    await using daemon: ScriptedDaemon = await ScriptedDaemon.start({
      process: changing(requestIds, async () => {
        await daemon.die();
        await pending;
      }),
    });
    const reasons: string[] = [];
    await using pm = await ProcessManager.connect({
      socket: daemon.socket,
      onUnreachable: async (error) => {
        reasons.push(error.reason);
        await daemon.listen();
        return true;
      },
    });
    await changes[name](pm);
    expect(requestIds).toHaveLength(2);
    expect(requestIds[0]).toMatch(/^.{1,64}$/);
    expect(requestIds[1]).toBe(requestIds[0]);
    expect(reasons).toEqual(["UNREACHABLE"]);
  },
);

test.each(Object.keys(changes) as (keyof typeof changes)[])(
  "%s that a stopping daemon refuses is made again",
  async (name) => {
    const requestIds: string[] = [];
    await using daemon = await ScriptedDaemon.start({
      process: changing(requestIds, async () => {
        throw contractError(Code.Unavailable, "SHUTTING_DOWN");
      }),
    });
    const events: ConnectionEvent[] = [];
    await using pm = await ProcessManager.connect({
      socket: daemon.socket,
      onConnection: (event) => events.push(event),
    });
    await changes[name](pm);
    expect(requestIds).toHaveLength(2);
    expect(requestIds[1]).toBe(requestIds[0]);
    expect(events.map((event) => (event.type === "disconnected" ? event.error.reason : event.type))).toEqual([
      "SHUTTING_DOWN",
      "reconnected",
    ]);
  },
);

test("two calls have two request ids", async () => {
  const requestIds: string[] = [];
  await using daemon = await ScriptedDaemon.start({ process: changing(requestIds, async () => {}) });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  await pm.processes.stop(id);
  await pm.processes.stop(id);
  await pm.processes.stop(id, { requestId: "mine" });
  expect(new Set(requestIds).size).toBe(3);
  expect(requestIds[2]).toBe("mine");
});

test("a write is made again only where the daemon can tell what it has", async () => {
  const offsets: (bigint | undefined)[] = [];
  await using daemon: ScriptedDaemon = await ScriptedDaemon.start({
    process: {
      writeInput: async ({ inputOffset }) => {
        offsets.push(inputOffset);
        if (offsets.length % 2 === 1) {
          daemon.cut();
          await pending;
        }
        return { inputOffset: 9n };
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  expect(await pm.processes.write(id, "text", { inputOffset: 5 })).toEqual({ inputOffset: 9 });
  expect(offsets).toEqual([5n, 5n]);
  expect((await failure(pm.processes.write(id, "text"))).reason).toBe("DISCONNECTED");
  expect(offsets).toEqual([5n, 5n, undefined]);
});

test("a prune and a shutdown are not made again, and no daemon is started to be shut down", async () => {
  let calls = 0;
  const lost = async () => {
    calls += 1;
    daemon.cut();
    await pending;
    return {};
  };
  await using daemon: ScriptedDaemon = await ScriptedDaemon.start({
    process: { pruneProcesses: lost },
    daemon: { shutdown: lost },
  });
  let searches = 0;
  await using pm = await ProcessManager.connect({
    socket: daemon.socket,
    onUnreachable: () => {
      searches += 1;
      return false;
    },
  });
  expect((await failure(pm.processes.prune({ all: true }))).reason).toBe("DISCONNECTED");
  expect((await failure(pm.daemon.shutdown())).reason).toBe("DISCONNECTED");
  expect(calls).toBe(2);
  await daemon.die();
  expect((await failure(pm.daemon.shutdown())).reason).toBe("UNREACHABLE");
  expect(searches).toBe(0);
  expect((await failure(pm.processes.prune({ all: true }))).reason).toBe("UNREACHABLE");
  expect(searches).toBe(1);
});

test("calls that find no daemon at the same time ask once, and go on with the one that was started", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      getProcess: () => ({ process: runningProcess(id) }),
      async *streamOutput() {
        yield { frame: { case: "opened", value: { processId: id, run: 1 } } };
        yield { frame: { case: "end", value: { reason: 1 } } };
      },
    },
  });
  await daemon.die();
  let searches = 0;
  await using pm = await ProcessManager.connect({
    socket: daemon.socket,
    onUnreachable: async () => {
      searches += 1;
      await daemon.listen();
      return true;
    },
  });
  const calls = Array.from({ length: 5 }, () => pm.processes.get(id));
  const frames = Array.fromAsync(pm.processes.stream(id), ({ type }) => type);
  expect((await Promise.all(calls)).map((info) => info.id)).toEqual(Array(5).fill(id));
  expect(await frames).toEqual(["opened", "end"]);
  expect(searches).toBe(1);
});

test("what onUnreachable throws is what the call rejects with", async () => {
  await using daemon = await ScriptedDaemon.start({});
  await daemon.die();
  const refusal = new Error("no daemon may be started here");
  await using pm = await ProcessManager.connect({
    socket: daemon.socket,
    onUnreachable: () => {
      throw refusal;
    },
  });
  await expect(pm.processes.get(id)).rejects.toBe(refusal);
  await expect(Array.fromAsync(pm.processes.watch())).rejects.toBe(refusal);
});

test("a daemon that is started and gone again is not started for ever", async () => {
  await using daemon = await ScriptedDaemon.start({});
  await daemon.die();
  let searches = 0;
  const events: ConnectionEvent[] = [];
  await using pm = await ProcessManager.connect({
    socket: daemon.socket,
    reconnectMs: 300,
    onUnreachable: () => {
      searches += 1;
      return true;
    },
    onConnection: (event) => events.push(event),
  });
  expect((await failure(pm.processes.wait(id))).reason).toBe("UNREACHABLE");
  // Each but the first after a pause that is told.
  expect(events.length).toBeGreaterThanOrEqual(searches - 1);
});

test("a request that kills every daemon is an error, not a loop", async () => {
  let calls = 0;
  await using daemon: ScriptedDaemon = await ScriptedDaemon.start({
    process: {
      getProcess: async () => {
        calls += 1;
        daemon.cut();
        return pending;
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket, reconnectMs: 300 });
  expect((await failure(pm.processes.get(id))).reason).toBe("DISCONNECTED");
  expect(calls).toBe(6);
});

test("a stream whose request kills every daemon is an error, not a loop", async () => {
  let calls = 0;
  await using daemon: ScriptedDaemon = await ScriptedDaemon.start({
    process: {
      // biome-ignore lint/correctness/useYield: it never gets that far.
      async *watchProcesses() {
        calls += 1;
        daemon.cut();
        await pending;
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket, reconnectMs: 300 });
  const first = pm.processes.watch()[Symbol.asyncIterator]();
  expect((await failure(first.next())).reason).toBe("DISCONNECTED");
  expect(calls).toBe(6);
});

test("a call without a daemon gives up after its patience, and says how it went on the way", async () => {
  await using daemon: ScriptedDaemon = await ScriptedDaemon.start({
    process: {
      getProcess: () => ({ process: runningProcess(id) }),
      waitProcess: async () => {
        void daemon.die();
        return pending;
      },
    },
  });
  const events: ConnectionEvent[] = [];
  await using pm = await ProcessManager.connect({ socket: daemon.socket, reconnectMs: 300 });
  const wait = pm.processes.wait(id, { onConnection: (event) => events.push(event) });
  expect((await failure(wait)).reason).toBe("UNREACHABLE");
  expect(events.length).toBeGreaterThanOrEqual(2);
  expect(events.every(({ type }) => type === "disconnected")).toBe(true);
});

test("an abort ends the search for a daemon", async () => {
  await using daemon = await ScriptedDaemon.start({});
  await daemon.die();
  const controller = new AbortController();
  await using pm = await ProcessManager.connect({
    socket: daemon.socket,
    onUnreachable: () => {
      controller.abort("enough");
      return pending;
    },
  });
  const error = await failure(pm.processes.get(id, { signal: controller.signal }));
  expect(error).toMatchObject({ reason: "ABORTED", cause: "enough" });
});

test("a time limit names what was waited for", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      getProcess: () => ({ process: { ...runningProcess(id), name: "web-1" } }),
      waitProcess: async (_, { signal }) => {
        await aborted(signal);
        throw contractError(Code.DeadlineExceeded, "DEADLINE_EXCEEDED");
      },
      stopProcess: async (_, { signal }) => {
        await aborted(signal);
        return {};
      },
      async *streamOutput(_, { signal }) {
        yield { frame: { case: "opened", value: { processId: id, run: 1 } } };
        await aborted(signal);
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const limit = { timeoutMs: 100 };
  const texts = async (...calls: Promise<unknown>[]) =>
    (await Promise.all(calls.map(failure))).map(({ reason, message }) => `${reason}: ${message}`);
  const handle = await pm.processes.handle("web-1");
  expect(
    await texts(
      handle.wait({ timeoutMs: 1000 }),
      pm.processes.wait("web-1", { ...limit, until: "treeGone" }),
      pm.processes.stop("web-1", limit),
      Array.fromAsync(handle.stream({ ...limit, follow: true })),
    ),
  ).toEqual([
    "TIMEOUT: waiting for web-1 to exit took longer than 1 s",
    "TIMEOUT: waiting for web-1 and its descendants to exit took longer than 100 ms",
    "TIMEOUT: stopping web-1 took longer than 100 ms",
    "TIMEOUT: following the output of web-1 took longer than 100 ms",
  ]);
});

test("an error of the daemon is an error, whatever may be done without one", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      signalProcess: () => {
        throw contractError(Code.Aborted, "CONDITION_FAILED", { field: "run", expected: "1", actual: "2" });
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket, onUnreachable: () => true });
  const error = await failure(pm.processes.signal(id, "HUP", { precondition: { run: 1 } }));
  expect(error).toBeInstanceOf(PmError);
  expect(error).toMatchObject({ reason: "CONDITION_FAILED", metadata: { expected: "1", actual: "2" } });
});
