import { expect, test } from "vitest";
import { atOnce, late, useDaemon } from "./support.ts";

test("each mode restarts what it says, and nothing after a stop", async () => {
  const { pm, sh, until } = await useDaemon();
  const restarted = (mode: "no" | "onFailure" | "unlessStopped" | "always") => ({
    restart: { mode, backoff: atOnce },
  });
  await sh("no", "exit 1", restarted("no"));
  await sh("success", "exit 0", restarted("onFailure"));
  await sh("allowed", "exit 3", { ...restarted("onFailure"), successCodes: [0, 3] });
  await sh("failure", "sleep 0.1; exit 1", restarted("onFailure"));
  await sh("unless", "sleep 0.1; exit 0", restarted("unlessStopped"));
  await sh("always", "sleep 0.1; exit 0", restarted("always"));
  for (const name of ["no", "success", "allowed"]) {
    const ended = await until(name, ({ state }) => state === "exited");
    expect(ended).toMatchObject({ desiredState: "stopped", run: { number: 1 } });
  }
  for (const name of ["failure", "unless", "always"]) {
    await until(name, ({ run }) => (run?.number ?? 0) >= 3);
    await pm.processes.stop(name);
    const stopped = await until(name, ({ state }) => state === "exited");
    expect(stopped).toMatchObject({ desiredState: "stopped" });
  }
});

test("a process that fails again and again is given up, keeps its name, and can be started and removed", async () => {
  const { pm, sh, until, daemon } = await useDaemon();
  const { id } = await sh("crash", "exit 7", { restart: { mode: "onFailure", maxAttempts: 3, backoff: atOnce } });
  const given = await until(id, ({ state }) => state === "givenUp");
  expect(given).toMatchObject({ run: { number: 4, exit: { code: 7 } }, supervision: { restarts: 3, maxAttempts: 3 } });
  await expect(sh("crash", "true")).rejects.toMatchObject({ reason: "NAME_IN_USE" });
  await daemon.kill9();
  await daemon.restart();
  expect(await pm.processes.get(id)).toMatchObject({ state: "givenUp" });
  await pm.processes.restart(id);
  await until(id, ({ state, run }) => state === "givenUp" && run?.number === 8);
  expect(await pm.processes.remove(id)).toBe(id);
});

test("what waits can be stopped, restarted at once, and removed", async () => {
  const { pm, sh, until } = await useDaemon();
  const restart = { mode: "always", backoff: late } as const;
  for (const name of ["a", "b", "c"]) {
    await sh(name, 'echo run; test "$(cat /proc/self/comm)" = never', { restart });
    const waiting = await until(name, ({ state }) => state === "waiting");
    expect(waiting.supervision).toMatchObject({ waiting: { reason: "restart" }, attempt: 1 });
  }
  await pm.processes.stop("a");
  expect(await pm.processes.get("a")).toMatchObject({ state: "exited", desiredState: "stopped", run: { number: 1 } });
  await pm.processes.restart("b");
  await until("b", ({ state, run }) => state === "waiting" && run?.number === 2);
  await pm.processes.remove("c");
  await expect(pm.processes.get("c")).rejects.toMatchObject({ reason: "PROCESS_NOT_FOUND" });
});
