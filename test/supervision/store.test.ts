import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newQueue } from "../../src/server/supervision/queue/order.ts";
import { type KeptProcess, Store } from "../../src/server/supervision/store/store.ts";
import { specOf } from "./processes.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "pm-state-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const kept: KeptProcess = {
  id: "0e3d4c5b-1111-4222-8333-944455566677",
  name: "web",
  labels: { tier: "front" },
  spec: specOf("serve", {
    args: ["a", Uint8Array.of(0xff, 0)],
    env: [{ name: "$n", value: '{"$n":"1"}' }],
    limits: {
      rlimits: [{ resource: "core", soft: 2n ** 63n, hard: null }],
      memoryBytes: null,
      cpuMillis: null,
      processes: null,
    },
  }),
  desiredState: "running",
  stopped: false,
  project: "",
  schedule: "",
};

describe("the state directory", () => {
  it("gives back what was written, bytes and large numbers too", async () => {
    const store = new Store(directory);
    await store.processes.set(kept.id, kept);
    await store.queues.set("jobs", newQueue("jobs"));
    store.setBootId("boot-1");
    const next = new Store(directory);
    expect(next.processes.values()).toEqual([kept]);
    expect(next.queues.get("jobs")).toEqual(newQueue("jobs"));
    expect(next.bootId).toBe("boot-1");
    await next.processes.delete(kept.id);
    expect(new Store(directory).processes.size).toBe(0);
  });

  it("is not touched by the removal of what is not there", async () => {
    const store = new Store(directory);
    await store.processes.set(kept.id, kept);
    rmSync(join(directory, "processes"), { recursive: true });
    await store.processes.delete("nobody");
    // What is there would be written.
    await expect(store.processes.delete(kept.id)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("has nothing of what went when it is asked to go again", async () => {
    const store = new Store(directory);
    await store.processes.set(kept.id, kept);
    const first = store.processes.delete(kept.id);
    await store.processes.delete(kept.id);
    expect(readdirSync(join(directory, "processes"))).toEqual([]);
    await first;
  });

  it("can be read by its owner alone", async () => {
    const store = new Store(join(directory, "new"));
    await store.processes.set(kept.id, kept);
    const modes = ["new", "new/processes", `new/processes/${kept.id}.json`].map(
      (path) => statSync(join(directory, path)).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o700, 0o600]);
  });

  it("has the last of many writes at once, each resolved when it is there", async () => {
    const store = new Store(directory);
    const writes = Array.from({ length: 200 }, (_, i) =>
      i % 7 === 6 ? store.queues.delete("jobs") : store.queues.set("jobs", { ...newQueue("jobs"), parallelism: i + 1 }),
    );
    await writes[0];
    expect(new Store(directory).queues.size).toBeLessThanOrEqual(1);
    await Promise.all(writes);
    expect(new Store(directory).queues.get("jobs")?.parallelism).toBe(200);
    expect(readdirSync(join(directory, "queues"))).toEqual(["jobs.json"]);
  });

  it("keeps what it cannot read, and leaves what is newer alone", async () => {
    const store = new Store(directory);
    await store.queues.set("good", newQueue("good"));
    writeFileSync(join(directory, "queues/torn.json"), '{"version":1,"val');
    writeFileSync(join(directory, "queues/other.json"), '{"version":1,"value":{"x":1}}');
    writeFileSync(join(directory, "queues/newer.json"), '{"version":2,"value":{"shape":"unknown"}}');
    writeFileSync(join(directory, "queues/half.json.tmp"), "x");
    const next = new Store(directory);
    expect(next.queues.values().map(({ name }) => name)).toEqual(["good"]);
    expect(next.unreadable.map(({ path, newer }) => [path.slice(directory.length), newer]).sort()).toEqual([
      ["/queues/newer.json", true],
      ["/queues/other.json.unreadable", false],
      ["/queues/torn.json.unreadable", false],
    ]);
    expect(readFileSync(join(directory, "queues/newer.json"), "utf8")).toContain("unknown");
    expect(readdirSync(join(directory, "queues")).sort()).toEqual([
      "good.json",
      "newer.json",
      "other.json.unreadable",
      "torn.json.unreadable",
    ]);
    // The name can be used again, and nothing of what was set aside is lost by it.
    await next.queues.set("torn", newQueue("torn"));
    expect(new Store(directory).queues.size).toBe(2);
    expect(readFileSync(join(directory, "queues/torn.json.unreadable"), "utf8")).toBe('{"version":1,"val');
  });
});
