import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ProcessInfo } from "../../../src/sdk/index.ts";
import { atOnce, late, useDaemon } from "./support.ts";

/** The second attempt after ten seconds, the third one after a quarter of an hour. */
const slower = { initialMs: 100, multiplier: 100, maxMs: 3_600_000, jitter: 0 };

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

test("a policy that is changed while the process waits decides at once", async () => {
  const { pm, sh, until, daemon } = await useDaemon();
  const always = { mode: "always", backoff: late } as const;
  for (const name of ["none", "success", "sooner"]) {
    await sh(name, "exit 0", { restart: always });
    await until(name, ({ state }) => state === "waiting");
  }
  await sh("fewer", "exit 1", { restart: { mode: "always", backoff: slower } });
  await until("fewer", ({ state, run }) => state === "waiting" && run?.number === 2);

  const ended = await pm.processes.update("none", { spec: { restart: { mode: "no" } } });
  expect(ended).toMatchObject({ state: "exited", desiredState: "stopped", run: { number: 1 } });
  const success = await pm.processes.update("success", { spec: { restart: { mode: "onFailure", backoff: late } } });
  expect(success).toMatchObject({ state: "exited", desiredState: "stopped" });
  // One attempt was made, and no more are allowed.
  const given = await pm.processes.update("fewer", {
    spec: { restart: { mode: "always", backoff: slower, maxAttempts: 1 } },
  });
  expect(given).toMatchObject({ state: "givenUp", supervision: { restarts: 1, maxAttempts: 1 } });
  // The delay counts from when the run ended, and is that of the new policy: to the later, and to the sooner.
  const before = await pm.processes.get("sooner");
  const halved = { mode: "always", backoff: { ...late, initialMs: 1_800_000, maxMs: 1_800_000 } } as const;
  const after = await pm.processes.update("sooner", { spec: { restart: halved } });
  expect(untilOf(before) - untilOf(after)).toBe(1_800_000);
  await daemon.kill9();
  await daemon.restart();
  expect(untilOf(await pm.processes.get("sooner"))).toBe(untilOf(after));
  await pm.processes.update("sooner", { spec: { restart: { mode: "always", backoff: atOnce, maxAttempts: 2 } } });
  expect(await until("sooner", ({ state }) => state === "givenUp")).toMatchObject({ run: { number: 3 } });
  for (const name of ["none", "success"]) {
    expect(await pm.processes.get(name)).toMatchObject({ state: "exited", run: { number: 1 } });
  }
});

function untilOf({ supervision }: ProcessInfo): number {
  return supervision?.waiting?.until?.getTime() ?? Number.NaN;
}

test("an attempt that fell due while the daemon was down is made when it is back", async () => {
  const { sh, until, daemon } = await useDaemon();
  const restart = { mode: "always", backoff: { initialMs: 2_000, maxMs: 2_000, jitter: 0 } } as const;
  await sh("a", "exit 1", { restart });
  const waiting = await until("a", ({ state }) => state === "waiting");
  await daemon.kill9();
  await sleep(Math.max(0, untilOf(waiting) - Date.now()) + 1);
  await daemon.restart();
  const back = await until("a", ({ run }) => run?.number === 2);
  expect(back.run?.cause).toMatchObject({ kind: "restartPolicy", detail: "exit code 1" });
});

test("what ended while the daemon was down is restarted by its policy, and only then", async () => {
  const { pm, sh, until, daemon } = await useDaemon();
  const policies = {
    always: { restart: { mode: "always", backoff: atOnce } },
    failure: { restart: { mode: "onFailure", backoff: atOnce } },
    slow: { restart: { mode: "unlessStopped", backoff: late } },
    lost: { restart: { mode: "onFailure", backoff: atOnce } },
    given: { restart: { mode: "onFailure", maxAttempts: 0 } },
    stopped: { restart: { mode: "always", backoff: atOnce } },
    none: {},
  } as const;
  const pids = new Map<string, number>();
  for (const [name, policy] of Object.entries(policies)) {
    const { run } = await sh(name, "exec sleep 1000", policy);
    pids.set(name, run?.pid ?? 0);
  }
  await pm.processes.stop("stopped");
  pids.delete("stopped");
  await daemon.kill9();
  for (const [name, pid] of pids) {
    if (name === "lost") {
      // Its shim goes first, so that nobody ever learns how it ended.
      process.kill(parentOf(pid), "SIGKILL");
    }
    process.kill(pid, "SIGKILL");
  }
  await daemon.restart();
  for (const name of ["always", "failure", "lost"]) {
    const back = await until(name, ({ state, run }) => state === "running" && run?.number === 2);
    expect(back.run?.cause).toMatchObject({
      kind: "restartPolicy",
      detail: name === "lost" ? "lost" : "killed by SIGKILL",
    });
  }
  expect(await until("slow", ({ state }) => state !== "running")).toMatchObject({
    state: "waiting",
    run: { number: 1 },
  });
  expect(await until("given", ({ state }) => state !== "running")).toMatchObject({
    state: "givenUp",
    run: { number: 1 },
  });
  for (const name of ["stopped", "none"]) {
    const ended = await until(name, ({ state }) => state === "exited");
    expect(ended).toMatchObject({ desiredState: "stopped", run: { number: 1 } });
  }
});

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}
