import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { useDaemon } from "./support.ts";

test("a queue's parallelism holds while the daemon is killed again and again, and each job is done once", async () => {
  const { pm, sh, until, daemon } = await useDaemon();
  const log = join(temporaryDirectory(), "log");
  const lines = () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
  await pm.queues.set("q", { parallelism: 2 });
  const names = Array.from({ length: 8 }, (_, index) => `job-${index}`);
  for (const name of names) {
    // A line is one write, and the file is only appended to.
    await sh(name, `echo "+ ${name}" >> ${log}; sleep 0.7; echo "- ${name}" >> ${log}`, { queue: "q" });
  }
  for (const count of [1, 4, 7]) {
    await expect.poll(() => lines().length, { timeout: 50_000 }).toBeGreaterThanOrEqual(count);
    await daemon.kill9();
    await daemon.restart();
  }
  for (const name of names) {
    expect(await until(name, ({ state }) => state === "exited")).toMatchObject({
      run: { number: 1, exit: { code: 0 } },
    });
  }
  let running = 0;
  for (const line of lines()) {
    running += line.startsWith("+") ? 1 : -1;
    expect(running).toBeLessThanOrEqual(2);
  }
  expect(lines().toSorted()).toEqual(names.flatMap((name) => [`+ ${name}`, `- ${name}`]).toSorted());
});

test("what waits in a paused queue waits on over kills, can be stopped, and the rest keeps its order", async () => {
  const { pm, sh, until, daemon } = await useDaemon();
  await pm.queues.set("q", { paused: true });
  const ids = new Map<string, string>();
  for (const name of ["a", "b", "c", "d"]) {
    ids.set(name, (await sh(name, "exec sleep 1000", { queue: "q" })).id);
  }
  const waiting = async () => (await pm.queues.get("q")).waiting;
  await pm.queues.move("q", ids.get("d") ?? "", 1);
  await daemon.kill9();
  await daemon.restart();
  expect(await pm.queues.get("q")).toMatchObject({ paused: true, running: [] });
  await pm.processes.stop("a");
  await daemon.kill9();
  await daemon.restart();
  const positions = await Promise.all(
    ["d", "b", "c"].map(async (name) => (await pm.processes.get(name)).supervision?.queuePosition),
  );
  expect(positions).toEqual([1, 2, 3]);
  await pm.queues.set("q", { paused: false });
  await until("d", ({ state }) => state === "running");
  expect(await pm.processes.get("a")).toMatchObject({ state: "exited", desiredState: "stopped" });
  await pm.processes.remove("b");
  await pm.processes.stop("d");
  await until("c", ({ state }) => state === "running");
  expect(await waiting()).toEqual([]);
});
