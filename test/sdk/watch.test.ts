import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import {
  WatchEventType,
  type WatchProcessesResponseSchema,
  WatchRemoval,
} from "../../gen/ts/pm/v1/process_service_pb.ts";
import { type PmError, ProcessManager, type WatchEvent } from "../../src/sdk/index.ts";
import {
  aborted,
  contractError,
  exitedProcess,
  lose,
  runningProcess,
  ScriptedDaemon,
} from "./support/scripted-daemon.ts";

type Event = MessageInitShape<typeof WatchProcessesResponseSchema>;

const added = (id: string): Event => ({ type: WatchEventType.ADDED, process: runningProcess(id) });
const modified = (id: string, resourceVersion: string): Event => ({
  type: WatchEventType.MODIFIED,
  process: runningProcess(id, 2),
  resourceVersion,
});
const removed = (id: string, resourceVersion: string): Event => ({
  type: WatchEventType.REMOVED,
  removal: WatchRemoval.RETENTION,
  process: { id },
  resourceVersion,
});
const bookmark = (resourceVersion: string): Event => ({ type: WatchEventType.BOOKMARK, resourceVersion });

/** One word per event. */
function summary(event: WatchEvent): string {
  switch (event.type) {
    case "added":
    case "modified":
      return `${event.type} ${event.process.id}`;
    case "removed":
      return `removed ${event.id} ${event.removal}`;
    case "bookmark":
      return `bookmark ${event.resourceVersion}`;
    case "reset":
      return "reset";
  }
}

/** The first `count` events. */
async function take(events: AsyncIterable<WatchEvent>, count: number): Promise<string[]> {
  const taken: string[] = [];
  for await (const event of events) {
    taken.push(summary(event));
    if (taken.length === count) {
      break;
    }
  }
  return taken;
}

const uuid = "8d3f4b1e-0d52-4a53-9a3f-3d5f0c6b7a10";

test("a watch resumes where it was, and begins anew where it cannot", async () => {
  const versions: string[] = [];
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *watchProcesses({ resourceVersion }, { signal }) {
        versions.push(resourceVersion);
        switch (versions.length) {
          case 1: // Lost before the first bookmark: what was listed may be incomplete.
            yield added("a");
            return lose(daemon, signal);
          case 2:
            yield added("a");
            yield added("b");
            yield bookmark("v2");
            yield modified("a", "v3");
            return lose(daemon, signal);
          case 3:
            yield bookmark("v3");
            yield removed("b", "v4");
            return lose(daemon, signal);
          case 4:
            throw contractError(Code.OutOfRange, "RESOURCE_VERSION_EXPIRED");
          default:
            yield added("c");
            yield bookmark("w1");
            await aborted(signal);
        }
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  expect(await take(pm.processes.watch(), 12)).toEqual([
    "reset",
    "added a",
    "reset",
    "added a",
    "added b",
    "bookmark v2",
    "modified a",
    "bookmark v3",
    "removed b retention",
    "reset",
    "added c",
    "bookmark w1",
  ]);
  expect(versions).toEqual(["", "", "v3", "v4", ""]);
});

test("a version of the caller's that expired is a reset too", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *watchProcesses({ resourceVersion }, { signal }) {
        if (resourceVersion === "old") {
          throw contractError(Code.OutOfRange, "RESOURCE_VERSION_EXPIRED");
        }
        yield bookmark("v1");
        await aborted(signal);
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  expect(await take(pm.processes.watch({ resourceVersion: "old" }), 2)).toEqual(["reset", "bookmark v1"]);
  expect(await take(pm.processes.watch({ resourceVersion: "new" }), 1)).toEqual(["bookmark v1"]);
});

test("a daemon that lets every version expire is an error, not a loop", async () => {
  await using daemon = await ScriptedDaemon.start({
    process: {
      // biome-ignore lint/correctness/useYield: refuses before the first event
      async *watchProcesses() {
        throw contractError(Code.OutOfRange, "RESOURCE_VERSION_EXPIRED");
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  await expect(take(pm.processes.watch(), 1)).rejects.toMatchObject({ reason: "RESOURCE_VERSION_EXPIRED" });
});

test("leaving a watch cancels it on the server", async () => {
  const begun = Promise.withResolvers<AbortSignal>();
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *watchProcesses(_, { signal }) {
        begun.resolve(signal);
        yield bookmark("v1");
        await aborted(signal);
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  await take(pm.processes.watch(), 1);
  await aborted(await begun.promise);
});

test("a wait goes on through lost connections, for the same run of the same process", async () => {
  const waits: string[] = [];
  await using daemon = await ScriptedDaemon.start({
    process: {
      getProcess: () => ({ process: runningProcess(uuid, 3) }),
      waitProcess: async ({ process, run, condition }, { signal }) => {
        waits.push(`${process?.ref.case} ${process?.ref.value} ${run} ${condition}`);
        if (waits.length < 3) {
          await lose(daemon, signal);
        }
        const ended = exitedProcess(uuid, 7, run);
        return { process: ended, ...(ended.run !== undefined && { run: ended.run }) };
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const { process, run } = await pm.processes.wait("api", { until: "outputComplete" });
  expect(process).toMatchObject({ id: uuid, state: "exited" });
  expect(run).toMatchObject({ number: 3, state: "exited", exit: { code: 7 } });
  expect(run?.exit).not.toHaveProperty("signalName");
  expect(waits).toEqual(Array(3).fill(`id ${uuid} 3 2`));

  waits.length = 0;
  const error = await pm.processes.wait("api", { reconnect: false }).then(
    () => undefined,
    (reason: PmError) => reason,
  );
  expect(error?.reason).toBe("DISCONNECTED");
});

test("samples of usage arrive decoded and go on after a lost connection", async () => {
  let attempts = 0;
  await using daemon = await ScriptedDaemon.start({
    process: {
      async *statsProcesses({ filter, interval, includeIo }, { signal }) {
        attempts += 1;
        expect([filter?.names, interval?.nanos, includeIo]).toEqual([["api"], 250_000_000, true]);
        yield {
          sample: {
            time: { seconds: 1n, nanos: 500_000_000 },
            usages: [
              {
                id: "the-uuid",
                run: 1,
                cpuTime: { nanos: 1_500_000 },
                ...(attempts > 1 && { cpuPercent: 12.5 }),
                residentBytes: 4096n,
                io: { readBytes: 1n },
              },
            ],
          },
        };
        await lose(daemon, signal);
      },
    },
  });
  await using pm = await ProcessManager.connect({ socket: daemon.socket });
  const samples = [];
  for await (const sample of pm.processes.stats({ filter: { names: ["api"] }, intervalMs: 250, io: true })) {
    samples.push(sample);
    if (samples.length === 2) {
      break;
    }
  }
  const usage = {
    id: "the-uuid",
    run: 1,
    cpuMs: 1.5,
    residentBytes: 4096,
    io: { readBytes: 1, writtenBytes: 0 },
    descendants: 0,
    members: [],
  };
  expect(samples).toEqual([
    { time: new Date(1500), usages: [usage] },
    { time: new Date(1500), usages: [{ ...usage, cpuPercent: 12.5 }] },
  ]);
});
