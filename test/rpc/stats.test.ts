import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { UsageSample } from "../../gen/ts/pm/v1/usage_pb.ts";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";
import { byId } from "../support/process-ref.ts";

async function start(daemon: TestDaemon, script: string): Promise<string> {
  const { process } = await daemon.processes.startProcess({ spec: { executable: "sh", args: ["-c", script] } });
  return process?.id ?? "";
}

/** Takes samples until one fits, and ends the stream. */
async function sampleUntil(
  daemon: TestDaemon,
  request: {
    filter?: { ids?: string[]; names?: string[] };
    interval?: { seconds?: bigint; nanos?: number };
    includeIo?: boolean;
    includeMembers?: boolean;
  },
  fits: (sample: UsageSample) => boolean,
): Promise<UsageSample> {
  // Leaving the loop alone does not end a Connect client's call.
  const call = new AbortController();
  try {
    for await (const { sample } of daemon.processes.statsProcesses(
      { interval: { nanos: 250_000_000 }, ...request },
      { timeoutMs: 30_000, signal: call.signal },
    )) {
      if (sample && fits(sample)) {
        return sample;
      }
    }
  } finally {
    call.abort();
  }
  throw new Error("the stream ended");
}

describe("StatsProcesses", () => {
  test("measures the whole tree: processor time, memory, descendants, double-forked ones too", async () => {
    const daemon = await startDaemon();
    // A busy child, and a grandchild whose parent ends, so that the shim adopts it.
    const id = await start(daemon, "(while :; do :; done) & (setsid sleep 1000 &) ; wait");
    const sample = await sampleUntil(
      daemon,
      { filter: { ids: [id] }, includeMembers: true, includeIo: true },
      ({ usages }) => usages[0]?.descendants === 2 && (usages[0].cpuPercent ?? 0) > 5,
    );
    const [usage] = sample.usages;
    expect(usage?.id).toBe(id);
    expect(usage?.run).toBe(1);
    expect(Number(usage?.cpuTime?.seconds ?? 0) + Number(usage?.cpuTime?.nanos ?? 0)).toBeGreaterThan(0);
    expect(Number(usage?.residentBytes)).toBeGreaterThan(100_000);
    expect(usage?.io).toBeDefined();
    expect(sample.interval).toBeDefined();
    const commands = usage?.members.map(({ command }) => command) ?? [];
    expect(commands).toHaveLength(3);
    expect(commands[0]).toMatch(/^sh -c/);
    expect(commands).toContain("sleep 1000");
    const adopted = usage?.members.find(({ command }) => command === "sleep 1000");
    expect(adopted?.parentPid).toBe(0);
    expect(adopted?.state).toBe("sleeping");
  });

  test("the first sample has no percentage and comes at once; without a filter all that live are in it", async () => {
    const daemon = await startDaemon();
    const lives = await start(daemon, "exec sleep 1000");
    const ended = await start(daemon, "exit 0");
    await daemon.processes.waitProcess({ process: byId(ended), condition: 3 });
    const sample = await sampleUntil(daemon, { interval: { seconds: 3600n } }, () => true);
    expect(sample.usages.map(({ id }) => id)).toEqual([lives]);
    expect(sample.usages[0]?.cpuPercent).toBeUndefined();
    expect(sample.usages[0]?.io).toBeUndefined();
    expect(sample.usages[0]?.members).toEqual([]);
    expect(sample.interval).toBeUndefined();
  });

  test("a filter that selects nothing is no error, and fits once the process is there", async () => {
    const daemon = await startDaemon();
    let asked = false;
    const sample = await sampleUntil(daemon, { filter: { names: ["later"] } }, ({ usages }) => {
      if (!asked) {
        asked = true;
        expect(usages).toEqual([]);
        void daemon.processes.startProcess({ name: "later", spec: { executable: "sleep", args: ["1000"] } });
      }
      return usages.length > 0;
    });
    expect(sample.usages).toHaveLength(1);
  });

  test("goes on with the next run after a restart", async () => {
    const daemon = await startDaemon();
    const id = await start(daemon, "exec sleep 1000");
    let restarted: Promise<unknown> | null = null;
    const sample = await sampleUntil(daemon, { filter: { ids: [id] } }, ({ usages }) => {
      restarted ??= daemon.processes.restartProcess({ process: byId(id) });
      return usages[0]?.run === 2 && usages[0].cpuPercent !== undefined;
    });
    await restarted;
    expect(sample.usages[0]?.descendants).toBe(0);
  });

  test("lets go of every descriptor when the caller leaves", async () => {
    const daemon = await startDaemon();
    await Promise.all(Array.from({ length: 20 }, () => start(daemon, "exec sleep 1000")));
    const open = (): number => readdirSync(`/proc/${daemon.pid}/fd`).length;
    const before = open();
    await sampleUntil(daemon, {}, ({ interval }) => {
      expect(open()).toBeGreaterThan(before + 20);
      return interval !== undefined;
    });
    await expect.poll(open, { timeout: 30_000 }).toBeLessThan(before + 5);
  });

  test("refuses what is out of range", async () => {
    const daemon = await startDaemon();
    for (const request of [
      { interval: { nanos: 249_000_000 } },
      { interval: { seconds: 3601n } },
      { includeMembers: true },
      { filter: { ids: Array.from({ length: 101 }, () => randomUUID()) }, includeMembers: true },
      { filter: { ids: Array.from({ length: 1001 }, () => randomUUID()) } },
    ]) {
      const stream = daemon.processes.statsProcesses(request)[Symbol.asyncIterator]();
      const error = await stream.next().then(
        () => null,
        (caught: unknown) => ConnectError.from(caught),
      );
      expect(error?.code).toBe(Code.InvalidArgument);
    }
  });

  test("ends when the daemon does", async () => {
    const daemon = await startDaemon();
    await start(daemon, "exec sleep 1000");
    const stream = daemon.processes.statsProcesses({ interval: { seconds: 3600n } })[Symbol.asyncIterator]();
    await stream.next();
    const next = stream.next().then(
      () => null,
      (error: unknown) => ConnectError.from(error),
    );
    await daemon.stop();
    expect((await next)?.code).toBe(Code.Unavailable);
  });
});
