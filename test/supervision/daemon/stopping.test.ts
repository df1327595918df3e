import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ProcessManager } from "../../../src/sdk/index.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { atOnce, late, useDaemon } from "./support.ts";

/** Ignores what asks it to end: it goes when its grace period is over. */
const stubborn = "trap '' TERM; while :; do sleep 0.1; done";
const stop = { graceMs: 3_000 };

test("a stop that comes while supervision stops the run is for good", async () => {
  const { pm, sh, until } = await useDaemon();
  const restart = { mode: "always", backoff: atOnce } as const;
  await sh("long", stubborn, { restart, stop, maxRunMs: 300 });
  await sh("ill", stubborn, {
    restart,
    stop,
    liveness: {
      check: { kind: "exec", command: { executable: "false" } },
      intervalMs: 200,
      failureThreshold: 1,
    },
  });
  const stopped = await Promise.all(
    ["long", "ill"].map(async (name) => {
      await until(name, ({ state }) => state === "stopping");
      const { process } = await pm.processes.stop(name, { force: true });
      expect(process).toMatchObject({ state: "exited", desiredState: "stopped" });
      return { name, run: process.run?.number };
    }),
  );
  // Others live on, and have had the time that these would have needed.
  await sh("other", "exit 1", { restart });
  await until("other", ({ run }) => (run?.number ?? 0) > 5);
  for (const { name, run } of stopped) {
    expect(await pm.processes.get(name)).toMatchObject({ state: "exited", run: { number: run } });
  }
});

test("what a run left alive is ended before the next one begins, whoever asked for that", async () => {
  const { pm, sh, until } = await useDaemon();
  const leaves = "sleep 1000 & exit 1";
  await sh("policy", leaves, { restart: { mode: "onFailure", backoff: atOnce, maxAttempts: 2 } });
  expect(await until("policy", ({ state }) => state === "givenUp")).toMatchObject({ run: { number: 3 } });
  const apply = () =>
    Array.fromAsync(
      pm.projects.apply("p", { processes: [{ name: "job", spec: { executable: "sh", args: ["-c", leaves] } }] }),
    );
  await apply();
  const left = await until("job", ({ state }) => state === "exited");
  expect(left.run).toMatchObject({ number: 1, treeAlive: true });
  await apply();
  await until("job", ({ run, state }) => run?.number === 2 && state === "exited");
});

test("a limit that stops a run restarts it by its policy, and what waits for that can be stopped", async () => {
  const { pm, sh, until } = await useDaemon();
  const restart = { mode: "onFailure", backoff: late } as const;
  await sh("long", "exec sleep 1000", { restart, maxRunMs: 200 });
  await pm.processes.start({
    name: "large",
    executable: "python3",
    args: ["-c", "import time\nx = bytearray(64 << 20)\ntime.sleep(1000)"],
    restart: { ...restart, memoryBytes: 32 << 20 },
  });
  for (const name of ["long", "large"]) {
    const waiting = await until(name, ({ state }) => state === "waiting");
    expect(waiting).toMatchObject({
      desiredState: "running",
      run: { number: 1, stop: { cause: { kind: "limit" } } },
      supervision: { waiting: { reason: "restart" }, attempt: 1 },
    });
    const { process } = await pm.processes.stop(name);
    expect(process).toMatchObject({ state: "exited", desiredState: "stopped", run: { number: 1 } });
  }
});

test("a run that supervision stops when the daemon is killed is stopped by the next one, and restarted", async () => {
  const { sh, until, daemon } = await useDaemon();
  const restart = { mode: "onFailure", backoff: atOnce } as const;
  await sh("long", stubborn, { restart, stop, maxRunMs: 5_000 });
  await until("long", ({ state }) => state === "stopping");
  await daemon.kill9();
  await daemon.restart();
  const next = await until("long", ({ run }) => run?.number === 2);
  expect(next.run?.cause).toMatchObject({ kind: "limit" });
});

test("a daemon that stops all processes changes nothing in what is meant to run", async () => {
  const { pm, sh, until, daemon } = await useDaemon();
  await sh("always", "exec sleep 1000", { restart: { mode: "always", backoff: atOnce } });
  await sh("unless", "exec sleep 1000", { restart: { mode: "unlessStopped", backoff: atOnce } });
  await sh("failure", "exec sleep 1000", { restart: { mode: "onFailure", backoff: atOnce } });
  await sh("waiting", "exit 1", { restart: { mode: "always", backoff: late } });
  await until("waiting", ({ state }) => state === "waiting");
  await sh("stopped", "exec sleep 1000", { restart: { mode: "always", backoff: atOnce } });
  await pm.processes.stop("stopped");
  await sh("once", "exec sleep 1000");
  await daemon.daemon.shutdown({ stopProcesses: true, gracePeriod: { seconds: 5n } }, { timeoutMs: 50_000 });
  await daemon.exited;
  await daemon.restart();
  for (const name of ["always", "unless", "failure"]) {
    const back = await until(name, ({ state }) => state === "running");
    expect(back).toMatchObject({ desiredState: "running", run: { number: 2 } });
  }
  expect(await pm.processes.get("waiting")).toMatchObject({ state: "waiting", run: { number: 1 } });
  for (const name of ["stopped", "once"]) {
    const ended = await until(name, ({ desiredState }) => desiredState === "stopped");
    expect(ended).toMatchObject({ state: "exited", run: { number: 1 } });
  }
});

test("hooks are killed in time, one after the other, and hold up neither the process nor its restarts", async () => {
  const { pm, sh, until } = await useDaemon();
  const said = join(temporaryDirectory(), "said");
  const hangs = {
    events: ["started", "exited"] as const,
    command: { executable: "sh", args: ["-c", `echo "$PM_EVENT $PM_RUN" >> ${said}; sleep 1000`] },
    timeoutMs: 1_000,
  };
  const failed = (async () => {
    for await (const frame of pm.events.stream({ follow: true, timeoutMs: 50_000 })) {
      if (frame.type === "event" && frame.event.type === "hookFailed") {
        return frame.event.cause?.detail;
      }
    }
    return undefined;
  })();
  await sh("web", "exit 1", { restart: { mode: "onFailure", maxAttempts: 3, backoff: atOnce }, hooks: [hangs] });
  // Two hooks of a second for each of four runs are to come: the runs wait for none of them.
  const given = await until("web", ({ state }) => state === "givenUp");
  expect(given).toMatchObject({ run: { number: 4 } });
  expect(readFileSync(said, "utf8").split("\n").length - 1).toBeLessThan(8);
  expect(await failed).toBe("hook for started: sh: killed after 1000 ms");
  await expect
    .poll(() => readFileSync(said, "utf8").trim().split("\n"), { timeout: 50_000 })
    .toEqual([1, 2, 3, 4].flatMap((run) => [`started ${run}`, `exited ${run}`]));
});

test("a dependency that is never ready is waited for, and what waits can be stopped or removed", async () => {
  const { pm, sh, until } = await useDaemon();
  await sh("db", "exec sleep 1000", {
    readiness: { check: { kind: "exec", command: { executable: "false" } }, intervalMs: 200, failureThreshold: 1 },
  });
  for (const name of ["web", "api"]) {
    await sh(name, "exec sleep 1000", { dependsOn: [{ process: "db", condition: "ready" }] });
    const waiting = await until(name, ({ supervision }) => supervision?.waiting?.detail !== "");
    expect(waiting).toMatchObject({
      state: "waiting",
      supervision: { waiting: { reason: "dependency", for: ["db"], detail: "db: it is not ready yet" } },
    });
  }
  const { process } = await pm.processes.stop("web");
  expect(process).toMatchObject({ state: "exited", desiredState: "stopped" });
  await pm.processes.remove("api");
  await pm.processes.update("db", {
    spec: { readiness: { check: { kind: "exec", command: { executable: "true" } } } },
  });
  await pm.processes.wait("db", { until: "ready", timeoutMs: 50_000 });
  expect(await pm.processes.get("web")).toMatchObject({ state: "exited" });
  expect((await pm.processes.get("web")).run).toBeUndefined();
});

test("a cycle of three is refused by name, whichever of them closes it", async () => {
  const { pm, sh } = await useDaemon();
  await sh("a", "exec sleep 1000", { dependsOn: [{ process: "b" }] });
  await sh("b", "exec sleep 1000", { dependsOn: [{ process: "c" }] });
  await expect(sh("c", "exec sleep 1000", { dependsOn: [{ process: "a" }] })).rejects.toMatchObject({
    reason: "DEPENDENCY_CYCLE",
    metadata: { cycle: "c,a,b,c" },
  });
  await sh("c", "exec sleep 1000");
  await expect(pm.processes.update("c", { spec: { dependsOn: [{ process: "a" }] } })).rejects.toMatchObject({
    reason: "DEPENDENCY_CYCLE",
  });
});

test("of two clients that apply two versions at once, one is what there is in the end", async () => {
  const { pm, until, daemon } = await useDaemon();
  const other = await ProcessManager.connect({ socket: daemon.socketPath });
  onTestFinished(() => other.close());
  const version = (seconds: number) =>
    Array.from({ length: 8 }, (_, index) => ({
      name: `p${index}`,
      spec: { executable: "sleep", args: [String(seconds)], restart: { mode: "always" as const, backoff: atOnce } },
    }));
  const versions = [1_000, 2_000];
  const outcomes = await Promise.allSettled(
    versions.map((seconds, index) =>
      Array.fromAsync((index === 0 ? pm : other).projects.apply("both", { processes: version(seconds) })),
    ),
  );
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") {
      expect(outcome.reason).toMatchObject({ reason: "SUPERSEDED" });
    }
  }
  expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(0);
  const args = new Set<string>();
  for (let index = 0; index < 8; index++) {
    const { spec, run } = await until(`p${index}`, ({ state }) => state === "running");
    args.add(spec.args.join());
    // execve(2) lets its parent go on before the arguments can be seen.
    await expect.poll(() => readFileSync(`/proc/${run?.pid}/cmdline`, "utf8")).toBe(`sleep\0${spec.args.join()}\0`);
  }
  expect(args.size).toBe(1);
  expect(await pm.processes.listAll()).toHaveLength(8);
});
