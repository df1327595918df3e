/** The fake daemon, as users' tests meet it: through the SDK. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { ProcessManager } from "../../src/sdk/index.ts";
import { FakeDaemon, type FakeProgram } from "../../src/testing/index.ts";
import { failure } from "./support/scripted-daemon.ts";

async function connected(programs: Parameters<typeof FakeDaemon.start>[0] = {}) {
  const daemon = await FakeDaemon.start(programs);
  const pm = await ProcessManager.connect({ socket: daemon.socket });
  return {
    daemon,
    pm,
    async [Symbol.asyncDispose]() {
      pm.close();
      await daemon.close();
    },
  };
}

test("a program's output is followed to its exit code", async () => {
  await using place = await connected({
    programs: {
      make: (process) => {
        process.write("built\n");
        process.write("careful\n", "stderr");
        setImmediate(() => process.exit(3));
      },
    },
  });
  const process = await place.pm.processes.start({ executable: "make", args: ["-j2"] });
  const text: string[] = [];
  for await (const frame of process.stream({ follow: true })) {
    if (frame.type === "chunk") text.push(`${frame.stream}: ${Buffer.from(frame.data)}`);
  }
  expect(text).toEqual(["stdout: built\n", "stderr: careful\n"]);
  expect((await process.wait()).run?.exit?.code).toBe(3);
  expect(place.daemon.processes[0]?.spec.args).toEqual(["-j2"]);
});

test("a process waits for input and ends by a signal, and removal wants an end", async () => {
  await using place = await connected({
    programs: {
      cat: (process) => {
        process.onInput = (data) => process.write(data);
      },
    },
  });
  const process = await place.pm.processes.start({ executable: "cat", name: "kept", stdin: "pipe" });
  await place.pm.processes.write("kept", "hello");
  expect(Buffer.concat(place.daemon.process("kept")?.input ?? []).toString()).toBe("hello");
  await expect(place.pm.processes.remove("kept")).rejects.toMatchObject({ reason: "STILL_RUNNING" });
  const { receipt } = await process.stop();
  expect(receipt.outcome).toBe("stopped");
  expect((await process.wait()).run?.exit).toMatchObject({ signalName: "SIGTERM" });
  await place.pm.processes.remove("kept");
  await expect(place.pm.processes.get("kept")).rejects.toMatchObject({ reason: "PROCESS_NOT_FOUND" });
});

test("what it does not know fails as a daemon's start does", async () => {
  await using place = await connected();
  const start = place.pm.processes.start({ executable: "/no/such" });
  await expect(start).rejects.toMatchObject({ reason: "START_FAILED", metadata: { errno_name: "ENOENT" } });
});

test("its socket goes with it", async () => {
  const daemon = await FakeDaemon.start();
  expect(existsSync(daemon.socket)).toBe(true);
  await daemon.close();
  expect(existsSync(daemon.socket)).toBe(false);
});

const endless: FakeProgram = (process) => {
  process.write(`run ${process.run}\n`);
};

test("calls by filter, output of many, events and a watch tell of the same processes", async () => {
  await using place = await connected({ programs: { serve: endless } });
  const { processes, events } = place.pm;
  const watched: string[] = [];
  const watching = (async () => {
    for await (const event of processes.watch()) {
      if (event.type === "added") watched.push(`added ${event.process.name}`);
      if (event.type === "removed") watched.push(`removed for ${event.removal}`);
      if (watched.length === 4) return;
    }
  })();
  for (const name of ["a", "b"]) {
    await processes.start({ executable: "serve", name, labels: { app: "web" } });
  }
  await processes.restart("b");
  expect((await processes.runs("b")).map(({ number }) => number)).toEqual([2, 1]);
  const { chunks } = await processes.output("b", { run: 1, start: { offset: 4 } });
  expect(chunks.map(({ data }) => Buffer.from(data).toString())).toEqual(["1\n"]);
  expect(await failure(processes.output("b", { run: 7 }))).toMatchObject({ reason: "RUN_NOT_FOUND" });
  const merged: string[] = [];
  for await (const frame of processes.outputs({ selector: "app=web" })) {
    if (frame.type === "chunk") merged.push(Buffer.from(frame.data).toString());
  }
  expect(merged.sort()).toEqual(["run 1\n", "run 2\n"]);

  expect(await failure(Array.fromAsync(processes.stopAll({})))).toMatchObject({ reason: "ALL_REQUIRED" });
  expect(await Array.fromAsync(processes.removeAll({ names: ["a"] }))).toMatchObject([
    { name: "a", error: { reason: "STILL_RUNNING" } },
  ]);
  await Array.fromAsync(processes.stopAll({ selector: "app=web" }));
  expect((await processes.prune({ filter: { namePatterns: ["?"] } })).ids).toHaveLength(2);
  await watching;
  expect(watched).toEqual(["added a", "added b", "removed for removed", "removed for removed"]);
  const types = [];
  for await (const frame of events.stream({ follow: false })) {
    if (frame.type === "event" && frame.event.processName === "a") types.push(frame.event.type);
  }
  expect(types).toEqual(["created", "stateChanged", "stopRequested", "signaled", "stateChanged", "removed"]);
});

test("a queue lets as many run as it may, a schedule is due when it is triggered", async () => {
  await using place = await connected({ programs: { job: endless } });
  const { processes, queues, schedules } = place.pm;
  const [first, second] = [
    await processes.start({ executable: "job", name: "first", queue: "jobs" }),
    await processes.start({ executable: "job", name: "second", queue: "jobs" }),
  ];
  expect(await queues.get("jobs")).toMatchObject({ running: [first.id], waiting: [second.id], parallelism: 1 });
  expect((await processes.get("second")).supervision?.waiting).toMatchObject({ reason: "queue", for: ["jobs"] });
  expect(await failure(queues.remove("jobs"))).toMatchObject({ reason: "QUEUE_NOT_EMPTY" });
  place.daemon.process("first")?.exit(0);
  expect((await processes.get("second")).state).toBe("running");

  const set = await schedules.set("nightly", {
    timing: { kind: "cron", expression: "0 3 * * *" },
    template: { executable: "job", name: "backup" },
  });
  expect([set.process.state, set.process.run]).toEqual(["waiting", undefined]);
  expect((await schedules.trigger("nightly")).lastResult).toBe("started");
  expect((await schedules.trigger("nightly")).lastResult).toBe("skipped");
  expect((await processes.get("backup")).run?.number).toBe(1);
  await schedules.remove("nightly");
  expect(await failure(schedules.get("nightly"))).toMatchObject({ reason: "SCHEDULE_NOT_FOUND" });
});

test("a project is made, changed and removed", async () => {
  await using place = await connected({ programs: { web: endless, db: endless } });
  const { projects } = place.pm;
  const actions = async (frames: ReturnType<typeof projects.apply>) => {
    const all = await Array.fromAsync(frames);
    return all.flatMap((frame) =>
      frame.type === "plan" ? frame.steps.map((step) => `${step.action} ${step.name}`) : [],
    );
  };
  const db = { name: "db", spec: { executable: "db" } };
  const web = { name: "web", spec: { executable: "web" }, replicas: 2 };
  expect(await actions(projects.apply("shop", { processes: [db, web] }))).toEqual([
    "create db",
    "create web.1",
    "create web.2",
  ]);
  expect((await projects.get("shop")).members.map(({ name, state }) => `${name} ${state}`)).toEqual([
    "db running",
    "web.1 running",
    "web.2 running",
  ]);
  const changed = { processes: [{ name: "db", spec: { executable: "db", args: ["-v"] } }], prune: true };
  const plan = ["restart db", "remove web.1", "remove web.2"];
  expect(await actions(projects.apply("shop", { ...changed, dryRun: true }))).toEqual(plan);
  expect(await actions(projects.apply("shop", changed))).toEqual(plan);
  expect(await actions(projects.apply("shop", changed))).toEqual(["none db"]);
  expect(place.daemon.processes.map(({ name, run }) => `${name} ${run}`)).toEqual(["db 2"]);
  await Array.fromAsync(projects.remove("shop"));
  expect(place.daemon.processes).toEqual([]);
  expect(await failure(projects.get("shop"))).toMatchObject({ reason: "PROJECT_NOT_FOUND" });
});
