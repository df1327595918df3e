import { describe, expect, it, vi } from "vitest";
import type { RestartPolicy } from "../../src/server/engine/api/policy.ts";
import { pass, settle, useMachine } from "./daemon.ts";
import { context, supervisionOf } from "./fake-engine.ts";
import { policyOf, specOf, unsupervised } from "./processes.ts";

const restart = (change: Partial<RestartPolicy> = {}): RestartPolicy => ({
  mode: "always",
  maxAttempts: null,
  windowMs: null,
  backoff: { initialMs: 1000, maxMs: 60_000, multiplier: 2, jitter: 0 },
  stableMs: 10_000,
  memoryBytes: null,
  ...change,
});
const stopOptions = { signal: "", graceMs: null, force: true, wait: true };

describe("a process with a restart policy", () => {
  const on = useMachine();

  it("waits longer before each attempt and then begins", async () => {
    const { engine } = on.machine;
    await on.machine.run("web", { restart: restart() });
    engine.exit("web", 1);
    expect(engine.named("web")).toMatchObject({
      state: "waiting",
      desiredState: "running",
      supervision: { waiting: { reason: "restart", until: Date.now() + 1000 }, attempts: { streak: 1 } },
    });
    await pass(999);
    expect(engine.named("web").run.number).toBe(1);
    await pass(1);
    expect(engine.named("web")).toMatchObject({
      state: "running",
      run: { number: 2, cause: { kind: "restartPolicy" } },
    });
    engine.exit("web", 1);
    await pass(1999);
    expect(engine.named("web").state).toBe("waiting");
    await pass(1);
    expect(engine.named("web")).toMatchObject({ state: "running", run: { number: 3 } });
    expect(supervisionOf(engine.named("web")).attempts).toEqual({ streak: 2, times: [], restarts: 2 });
  });

  it("is given up after its attempts, and says so", async () => {
    const { engine } = on.machine;
    await on.machine.run("web", { restart: restart({ maxAttempts: 2 }) });
    for (const delay of [1000, 2000, 4000]) {
      engine.exit("web", 7);
      await pass(delay);
    }
    expect(engine.named("web")).toMatchObject({ state: "givenUp", run: { number: 3 } });
    await pass(3_600_000);
    expect(engine.named("web").run.number).toBe(3);
    await on.machine.daemon.engine.restart({ name: "web" }, stopOptions, null, context);
    expect(engine.named("web")).toMatchObject({
      state: "running",
      run: { number: 4 },
      supervision: { attempts: { restarts: 0 } },
    });
  });

  it("is not started again once somebody asked to stop it, running or waiting", async () => {
    const { engine, daemon } = on.machine;
    await on.machine.run("web", { restart: restart() });
    await daemon.engine.stop({ name: "web" }, stopOptions, context);
    await pass(3_600_000);
    expect(engine.named("web")).toMatchObject({ state: "exited", desiredState: "stopped", run: { number: 1 } });

    await on.machine.run("api", { restart: restart() });
    engine.exit("api", 1);
    await pass(500);
    const { process } = await daemon.engine.stop({ name: "api" }, stopOptions, context);
    expect(process).toMatchObject({ state: "exited", desiredState: "stopped" });
    await pass(3_600_000);
    expect(engine.named("api").run.number).toBe(1);
  });

  it("goes at once when it is restarted while it waits, and once only", async () => {
    const { engine, daemon } = on.machine;
    await on.machine.run("web", { restart: restart() });
    engine.exit("web", 1);
    await daemon.engine.restart({ name: "web" }, stopOptions, null, context);
    await pass(60_000);
    expect(engine.named("web")).toMatchObject({ state: "running", run: { number: 2 } });
  });

  it("can be removed while it waits", async () => {
    const { engine, daemon } = on.machine;
    await on.machine.run("web", { restart: restart() });
    engine.exit("web", 1);
    await daemon.engine.remove({ name: "web" }, true, context);
    await pass(60_000);
    expect(engine.processes.size).toBe(0);
    expect(on.machine.logged).toBe("");
  });

  it("follows a policy that is changed while it waits", async () => {
    const { engine, daemon } = on.machine;
    await on.machine.run("web", { restart: restart() });
    engine.exit("web", 1);
    const spec = specOf("/bin/web", { policy: policyOf({ restart: restart({ mode: "no" }) }) });
    await daemon.engine.update({ name: "web" }, () => ({ spec }), context);
    await pass(60_000);
    expect(engine.named("web")).toMatchObject({ state: "exited", desiredState: "stopped", run: { number: 1 } });
  });

  it("makes an attempt late that fell due while there was no daemon", async () => {
    const { engine } = on.machine;
    await on.machine.run("web", { restart: restart() });
    await on.machine.run("api", { restart: restart({ backoff: { ...restart().backoff, initialMs: 60_000 } }) });
    engine.exit("web", 1);
    engine.exit("api", 1);
    await on.machine.stop();
    await pass(20_000);
    expect(engine.states()).toEqual({ web: "waiting restart", api: "waiting restart" });
    await on.machine.start();
    expect(engine.states()).toEqual({ web: "running", api: "waiting restart" });
    await pass(39_999);
    expect(engine.named("api").state).toBe("waiting");
    await pass(1);
    expect(engine.named("api").state).toBe("running");
  });

  it("is restarted when it ended while there was no daemon", async () => {
    const { engine } = on.machine;
    const { id } = await on.machine.run("web", { restart: restart() });
    await on.machine.stop();
    // As the engine finds it: nobody was asked what becomes of it.
    engine.hook = {
      runEnded: ({ run }) => ({ supervision: unsupervised, event: null, cause: run.cause }),
      mayRemove: () => true,
      notified: () => undefined,
    };
    engine.exit("web", 1);
    await on.machine.start();
    expect(engine.get({ id }).state).toBe("waiting");
    await pass(1000);
    expect(engine.get({ id })).toMatchObject({ state: "running", run: { number: 2 } });
  });

  it("does not wait longer when the clock is set back", async () => {
    const { engine } = on.machine;
    await on.machine.run("web", { restart: restart() });
    engine.exit("web", 1);
    await on.machine.stop();
    vi.setSystemTime(Date.now() - 3_600_000);
    await on.machine.start();
    await pass(1000);
    expect(engine.named("web").state).toBe("running");
  });

  it("tries again later what the daemon refused, without spinning", async () => {
    const { engine } = on.machine;
    await on.machine.run("web", { restart: restart({ maxAttempts: 3 }) });
    engine.exit("web", 1);
    engine.broken.add("web");
    await pass(1000);
    // A start that fails is an attempt like any other.
    expect(engine.named("web")).toMatchObject({ state: "waiting", run: { number: 2, state: "failed" } });
    engine.broken.delete("web");
    await pass(2000);
    expect(engine.named("web").state).toBe("running");
  });

  it("stays flat over a crash loop of 1,000", async () => {
    const { engine } = on.machine;
    const fast = { initialMs: 10, maxMs: 10, multiplier: 1, jitter: 0 };
    await on.machine.run("web", { restart: restart({ backoff: fast, maxAttempts: 1000, windowMs: 1000 }) });
    for (let i = 0; i < 1000; i++) {
      engine.exit("web", 1);
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(engine.named("web").run.number).toBe(1001);
    // A second's worth of attempts is what the window counts.
    expect(supervisionOf(engine.named("web")).attempts.times.length).toBeLessThanOrEqual(101);
  });

  it("is not what a shutdown that stops everything changes", async () => {
    const { engine, daemon } = on.machine;
    await on.machine.run("web", { restart: restart({ mode: "unlessStopped" }) });
    await daemon.engine.stopAll(null, context);
    await pass(60_000);
    expect(engine.named("web")).toMatchObject({ state: "exited", desiredState: "running", run: { number: 1 } });
    await on.machine.start();
    await pass(1000);
    expect(engine.named("web")).toMatchObject({ state: "running", run: { number: 2 } });
  });

  it("is never pruned while it waits or has given up", async () => {
    const { engine } = on.machine;
    await on.machine.run("web", { restart: restart({ maxAttempts: 1 }) });
    await on.machine.run("job", {});
    const { hook } = engine;
    engine.exit("job", 0);
    engine.exit("web", 1);
    expect(hook?.mayRemove(engine.named("web"))).toBe(false);
    expect(hook?.mayRemove(engine.named("job"))).toBe(true);
    await pass(1000);
    engine.exit("web", 1);
    expect(engine.named("web").state).toBe("givenUp");
    expect(hook?.mayRemove(engine.named("web"))).toBe(false);
  });

  it("is restarted above its memory", async () => {
    const { engine } = on.machine;
    const { id } = await on.machine.run("web", { restart: restart({ memoryBytes: 1000 }) });
    engine.memory.set(id, 1000);
    await pass(20_000);
    expect(engine.named("web").run.number).toBe(1);
    engine.memory.set(id, 1001);
    await pass(5000);
    engine.memory.clear();
    expect(engine.named("web")).toMatchObject({
      state: "waiting",
      supervision: { waiting: { cause: { kind: "limit" } } },
    });
    await pass(1000);
    expect(engine.named("web")).toMatchObject({ state: "running", run: { number: 2, cause: { kind: "limit" } } });
  });

  it("is stopped after its longest time, and counts as failed", async () => {
    const { engine } = on.machine;
    await on.machine.run("job", { maxRunMs: 30_000, restart: restart({ mode: "onFailure" }) });
    await pass(29_999);
    expect(engine.named("job").state).toBe("running");
    await pass(1);
    expect(engine.named("job").state).toBe("waiting");
    await pass(1000);
    expect(engine.named("job").run.number).toBe(2);
    await settle();
  });
});
