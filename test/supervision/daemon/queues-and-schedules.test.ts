import { expect, test } from "vitest";
import { useDaemon } from "./support.ts";

test("a queue lets as many run as it says, in its order; it is paused, resumed and moved in", async () => {
  const { pm, sh, until, daemon } = await useDaemon();
  await pm.queues.set("q", { parallelism: 1, paused: true });
  for (const name of ["a", "b", "c"]) {
    await sh(name, "exec sleep 1000", { queue: "q" });
  }
  const { id } = await pm.processes.get("c");
  await pm.queues.move("q", id, 1);
  await daemon.kill9();
  await daemon.restart();
  expect(await pm.processes.get("c")).toMatchObject({ state: "waiting", supervision: { queuePosition: 1 } });
  await pm.queues.set("q", { paused: false });
  await until("c", ({ state }) => state === "running");
  expect(await pm.queues.get("q")).toMatchObject({ running: [id], waitingCount: 2 });
  await pm.processes.stop("c");
  await until("a", ({ state }) => state === "running");
  expect(await pm.processes.get("b")).toMatchObject({ state: "waiting", supervision: { queuePosition: 1 } });
  await pm.queues.set("q", { parallelism: 2 });
  await until("b", ({ state }) => state === "running");
  await expect(pm.queues.remove("q")).rejects.toMatchObject({ reason: "QUEUE_NOT_EMPTY" });
});

test("a schedule starts its process, is paused, triggered and removed, and is kept over the daemon's death", async () => {
  const { pm, until, daemon } = await useDaemon();
  const { process } = await pm.schedules.set("tick", {
    timing: { kind: "every", ms: 1_000 },
    template: { name: "tick", executable: "true" },
  });
  expect(process).toMatchObject({ state: "waiting", supervision: { schedule: "tick" } });
  await until("tick", ({ run }) => (run?.number ?? 0) >= 2);
  await daemon.kill9();
  await daemon.restart();
  const before = (await pm.processes.get("tick")).run?.number ?? 0;
  const later = await until("tick", ({ run }) => (run?.number ?? 0) > before);
  expect(later.run?.cause).toMatchObject({ kind: "schedule" });
  expect(await pm.schedules.pause("tick")).toMatchObject({ paused: true });
  await until("tick", ({ state }) => state !== "running" && state !== "starting");
  const paused = (await pm.processes.get("tick")).run?.number ?? 0;
  expect(await pm.schedules.trigger("tick")).toMatchObject({ lastResult: "started" });
  await until("tick", ({ run }) => run?.number === paused + 1);
  await pm.schedules.remove("tick");
  await expect(pm.schedules.get("tick")).rejects.toMatchObject({ reason: "SCHEDULE_NOT_FOUND" });
});

test("a schedule that is never due is refused", async () => {
  const { pm } = await useDaemon();
  const set = pm.schedules.set("never", {
    timing: { kind: "cron", expression: "0 0 31 2 *" },
    template: { executable: "true" },
  });
  await expect(set).rejects.toMatchObject({ reason: "INVALID_ARGUMENT" });
});

test("a start in some seconds happens once, and its schedule is gone", async () => {
  const { pm, until } = await useDaemon();
  await pm.schedules.set("soon", { timing: { kind: "in", ms: 500 }, template: { name: "soon", executable: "true" } });
  await until("soon", ({ state, run }) => state === "exited" && run?.number === 1);
  await expect.poll(() => pm.schedules.list(), { timeout: 50_000 }).toEqual([]);
});
