import { createServer, type Server } from "node:http";
import { describe, expect, it } from "vitest";
import type { Dependency, Probe } from "../../src/server/engine/api/policy.ts";
import type { CommandResult } from "../../src/server/engine/api/supervision.ts";
import { pass, settle, useMachine } from "./daemon.ts";
import { context, succeeded, supervisionOf } from "./fake-engine.ts";
import { policyOf, specOf } from "./processes.ts";

const probe = (change: Partial<Probe>): Probe => ({
  check: { kind: "exec", command: { executable: "check", args: [] } },
  startPeriodMs: null,
  intervalMs: 5000,
  timeoutMs: null,
  successThreshold: null,
  failureThreshold: 2,
  ...change,
});
const restart = {
  mode: "always",
  maxAttempts: 1,
  windowMs: null,
  backoff: { initialMs: 1000, maxMs: null, multiplier: null, jitter: 0 },
  stableMs: null,
  memoryBytes: null,
} as const;
const needs = (process: string, condition: Dependency["condition"]) => ({ dependsOn: [{ process, condition }] });
const stopOptions = { signal: "", graceMs: null, force: true, wait: true };
const failed = { ...succeeded, code: 1, output: Buffer.from("not yet") };

describe("a process that depends on others", () => {
  const on = useMachine();

  it("waits until they have come so far, and says for whom", async () => {
    const { engine } = on.machine;
    await on.machine.run("web", needs("migrate", "completedSuccessfully"));
    expect(engine.named("web")).toMatchObject({
      state: "waiting",
      run: { number: 0 },
      supervision: { waiting: { reason: "dependency", for: ["migrate"] } },
    });
    await on.machine.run("migrate", {});
    expect(engine.states()).toEqual({ web: "waiting dependency", migrate: "running" });
    engine.exit("migrate", 1);
    await settle();
    expect(engine.named("web").state).toBe("waiting");
    await on.machine.daemon.engine.restart({ name: "migrate" }, stopOptions, null, context);
    engine.exit("migrate", 0);
    await settle();
    expect(engine.named("web")).toMatchObject({ state: "running", run: { number: 1, cause: { kind: "request" } } });
    expect(engine.journal).toContain("web: waiting (migrate: it has failed)");
  });

  it("begins when what it depends on is ready, and not before", async () => {
    const { engine } = on.machine;
    let healthy = false;
    engine.command = async () => (healthy ? succeeded : failed);
    await on.machine.run("db", { readiness: probe({}) });
    await on.machine.run("web", needs("db", "ready"));
    await pass(3000);
    expect(engine.states()).toEqual({ db: "running", web: "waiting dependency" });
    expect(supervisionOf(engine.named("db"))).toMatchObject({
      readiness: "notReady",
      probeMessage: "exit code 1: not yet",
    });
    healthy = true;
    // Until the first success it is asked each second, whatever the interval.
    await pass(1000);
    expect(engine.states()).toEqual({ db: "running", web: "running" });
    healthy = false;
    await pass(10_000);
    expect(supervisionOf(engine.named("db")).readiness).toBe("notReady");
    expect(engine.named("web").state).toBe("running");
  });

  it("does not take the readiness of an earlier run for this one's", async () => {
    const { engine } = on.machine;
    await on.machine.run("db", { readiness: probe({}), restart });
    await pass(0);
    expect(supervisionOf(engine.named("db")).readiness).toBe("ready");
    engine.command = async () => failed;
    engine.exit("db", 1);
    await pass(1000);
    await on.machine.run("web", needs("db", "ready"));
    expect(engine.states()).toEqual({ db: "running", web: "waiting dependency" });
  });

  it("waits on when that is removed or given up, and can be stopped meanwhile", async () => {
    const { engine, daemon } = on.machine;
    await on.machine.run("db", { restart: { ...restart, maxAttempts: 0 } });
    engine.exit("db", 1);
    await on.machine.run("web", needs("db", "ready"));
    expect(engine.named("db").state).toBe("givenUp");
    expect(engine.journal).toContain("web: waiting (db: its restart policy has given up)");
    await daemon.engine.remove({ name: "db" }, true, context);
    await settle();
    expect(engine.named("web").state).toBe("waiting");
    await daemon.engine.stop({ name: "web" }, stopOptions, context);
    expect(engine.named("web")).toMatchObject({ state: "exited", desiredState: "stopped", run: { number: 0 } });
    await on.machine.run("db", {});
    expect(engine.named("web").run.number).toBe(0);
  });

  it("goes on waiting with the next daemon", async () => {
    const { engine } = on.machine;
    await on.machine.run("web", needs("db", "started"));
    await on.machine.start();
    await on.machine.run("db", {});
    expect(engine.states()).toEqual({ web: "running", db: "running" });
  });

  it("is refused in a cycle", async () => {
    const { daemon } = on.machine;
    await on.machine.run("a", needs("b", "started"));
    await on.machine.run("b", needs("c", "started"));
    await expect(on.machine.run("c", needs("a", "started"))).rejects.toMatchObject({
      reason: "DEPENDENCY_CYCLE",
      metadata: { cycle: "c,a,b,c" },
    });
    const spec = specOf("x", { policy: policyOf(needs("a", "started")) });
    await expect(daemon.engine.update({ name: "b" }, () => ({ spec }), context)).rejects.toMatchObject({
      reason: "DEPENDENCY_CYCLE",
    });
    await expect(on.machine.run("self", needs("self", "ready"))).rejects.toMatchObject({ reason: "DEPENDENCY_CYCLE" });
  });

  it("leaves nothing behind when it could begin and failed", async () => {
    const { engine } = on.machine;
    await on.machine.run("db", {});
    engine.broken.add("web");
    await expect(on.machine.run("web", needs("db", "started"))).rejects.toMatchObject({ reason: "START_FAILED" });
    expect([...engine.processes.values()].map(({ name }) => name)).toEqual(["db"]);
  });
});

describe("a queue", () => {
  const on = useMachine();
  const job = (name: string) => on.machine.run(name, { queue: "jobs" });

  it("lets as many run as it may, in order", async () => {
    const { engine, daemon } = on.machine;
    await daemon.queues.set("jobs", { parallelism: 2 });
    for (const name of ["a", "b", "c", "d"]) {
      await job(name);
    }
    expect(engine.states()).toEqual({ a: "running", b: "running", c: "waiting queue", d: "waiting queue" });
    expect(daemon.queuePosition(engine.named("d"))).toBe(2);
    await daemon.queues.move("jobs", engine.named("d").id, 1);
    engine.exit("a", 0);
    await settle();
    expect(engine.states()).toMatchObject({ a: "exited", c: "waiting queue", d: "running" });
    const { running, waiting } = daemon.queues.get("jobs");
    expect([running.length, waiting]).toEqual([2, [engine.named("c").id]]);
    await daemon.queues.set("jobs", { paused: true });
    engine.exit("b", 0);
    engine.exit("d", 1);
    await settle();
    expect(engine.named("c").state).toBe("waiting");
    await on.machine.start();
    expect(engine.named("c").state).toBe("waiting");
    await on.machine.daemon.queues.set("jobs", { paused: false });
    await settle();
    expect(engine.named("c").state).toBe("running");
  });

  it("gives the turn of one that is stopped or removed to the next", async () => {
    const { engine, daemon } = on.machine;
    for (const name of ["a", "b", "c", "d"]) {
      await job(name);
    }
    await daemon.engine.stop({ name: "b" }, stopOptions, context);
    await daemon.engine.remove({ name: "c" }, true, context);
    await daemon.engine.stop({ name: "a" }, stopOptions, context);
    await settle();
    expect(engine.states()).toEqual({ a: "exited", b: "exited", d: "running" });
  });

  it("is not blocked by one that waits for another process, or whose start fails", async () => {
    const { engine } = on.machine;
    await on.machine.run("first", { queue: "jobs", ...needs("late", "started") });
    await job("second");
    expect(engine.states()).toEqual({ first: "waiting dependency", second: "running" });
    await job("third");
    engine.broken.add("third");
    await job("fourth");
    engine.exit("second", 0);
    await settle();
    expect(engine.states()).toMatchObject({ third: "failed", fourth: "running" });
  });

  it("refuses what makes no sense", async () => {
    const { daemon, engine } = on.machine;
    await job("a");
    await expect(daemon.queues.remove("jobs")).rejects.toMatchObject({ reason: "QUEUE_NOT_EMPTY" });
    await expect(daemon.queues.move("jobs", engine.named("a").id, 1)).rejects.toMatchObject({
      reason: "PROCESS_NOT_FOUND",
    });
    expect(() => daemon.queues.get("jbos")).toThrow(
      expect.objectContaining({ reason: "QUEUE_NOT_FOUND", metadata: { name: "jbos", suggestion: "jobs" } }),
    );
  });
});

describe("a probe", () => {
  const on = useMachine();

  it("restarts what is unhealthy, by its policy", async () => {
    const { engine } = on.machine;
    await on.machine.run("web", { liveness: probe({}), restart });
    await pass(5000);
    expect(supervisionOf(engine.named("web")).health).toBe("healthy");
    engine.command = async () => failed;
    // When it is asked is spread over the interval by its id: the second failure comes within two of them.
    for (let waited = 0; waited < 10_100 && engine.named("web").state === "running"; waited += 100) {
      await pass(100);
    }
    expect(engine.named("web")).toMatchObject({
      state: "waiting",
      supervision: { waiting: { cause: { kind: "probe", detail: "exit code 1: not yet" } } },
    });
    engine.command = async () => succeeded;
    await pass(5000);
    expect(engine.named("web")).toMatchObject({ state: "running", run: { number: 2, cause: { kind: "probe" } } });
  });

  it("that hangs holds up no other, and what it says late is about its own run only", async () => {
    const { engine } = on.machine;
    let answer: (code: number) => void = () => undefined;
    engine.command = () =>
      new Promise((resolve) => {
        answer = (code) => resolve({ ...succeeded, code });
      });
    await on.machine.run("web", { readiness: probe({}), restart });
    await pass(0);
    const first = answer;
    engine.exit("web", 1);
    await pass(1000);
    first(0);
    await settle();
    expect(supervisionOf(engine.named("web"))).toMatchObject({ run: 2, readiness: "notReady" });
    await pass(1);
    answer(0);
    await settle();
    expect(supervisionOf(engine.named("web"))).toMatchObject({ run: 2, readiness: "ready" });
  });

  it("by commands asks at most 32 at a time", async () => {
    const { engine } = on.machine;
    let running = 0;
    let most = 0;
    engine.command = async () => {
      most = Math.max(most, ++running);
      await settle();
      running--;
      return succeeded;
    };
    for (let i = 0; i < 100; i++) {
      await on.machine.run(`p${i}`, { readiness: probe({}) });
    }
    await pass(0);
    while (running > 0) {
      await settle();
    }
    await pass(0);
    expect(most).toBeLessThanOrEqual(32);
    expect([...engine.processes.values()].filter(({ supervision }) => supervision?.readiness === "ready")).toHaveLength(
      100,
    );
  });

  it("hears what the process says of itself", async () => {
    const { engine } = on.machine;
    const notify = { kind: "notify", watchdogMs: null } as const;
    const { id } = await on.machine.run("web", {
      readiness: probe({ check: notify }),
      liveness: probe({ check: { kind: "notify", watchdogMs: 10_000 } }),
    });
    const say = (change: object) =>
      engine.hook?.notified({ id, run: 1, ready: false, stopping: false, watchdog: null, status: null, ...change });
    say({ status: "loading" });
    expect(supervisionOf(engine.named("web"))).toMatchObject({ readiness: "notReady", notifyStatus: "loading" });
    say({ ready: true, status: "serving", watchdog: 0 });
    expect(supervisionOf(engine.named("web"))).toMatchObject({
      readiness: "ready",
      health: "healthy",
      notifyStatus: "serving",
    });
    await pass(9999);
    say({ watchdog: 0 });
    await pass(9999);
    expect(engine.named("web").state).toBe("running");
    say({ stopping: true });
    expect(supervisionOf(engine.named("web")).readiness).toBe("notReady");
    await pass(1);
    expect(engine.named("web")).toMatchObject({ state: "exited", supervision: { health: "unhealthy" } });
    say({ ready: true });
    expect(supervisionOf(engine.named("web")).readiness).toBe("notReady");
  });

  it("opens real connections", async () => {
    const { engine } = on.machine;
    const server: Server = createServer((_, response) => response.writeHead(503).end());
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await on.machine.run("tcp", { readiness: probe({ check: { kind: "tcp", host: "", port } }) });
    const http = { kind: "http", host: "", port, path: "/", tls: false, headers: {} } as const;
    await on.machine.run("busy", { readiness: probe({ check: { ...http, statusCodes: [] } }) });
    await on.machine.run("fine", { readiness: probe({ check: { ...http, statusCodes: [503] } }) });
    await pass(0);
    const turned = () => ["tcp", "busy", "fine"].map((name) => supervisionOf(engine.named(name)));
    while (turned().some(({ readiness, probeMessage }) => readiness === "notReady" && probeMessage === "")) {
      await settle();
    }
    expect(turned().map(({ readiness, probeMessage }) => [readiness, probeMessage])).toEqual([
      ["ready", ""],
      ["notReady", "HTTP status 503"],
      ["ready", ""],
    ]);
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
});

describe("a hook", () => {
  const on = useMachine();

  it("is run for its events with what it has to know, one at a time", async () => {
    const { engine } = on.machine;
    const seen: string[] = [];
    engine.command = async (_, command, env) => {
      seen.push(`${command.executable} ${env["PM_EVENT"]} ${env["PM_RUN"]} ${env["PM_EXIT_CODE"] ?? "-"}`);
      return command.executable === "broken" ? failed : succeeded;
    };
    const hook = (executable: string, ...events: ("started" | "exited" | "givenUp" | "ready")[]) => ({
      events,
      command: { executable, args: [] },
      timeoutMs: null,
    });
    await on.machine.run("web", {
      restart: { ...restart, maxAttempts: 1 },
      hooks: [hook("log", "started", "exited", "givenUp"), hook("broken", "givenUp")],
    });
    engine.exit("web", 3);
    await pass(1000);
    engine.exit("web", 4);
    await pass(0);
    expect(seen).toEqual([
      "log started 1 -",
      "log exited 1 3",
      "log started 2 -",
      "log exited 2 4",
      "log given-up 2 -",
      "broken given-up 2 -",
    ]);
    expect(engine.journal).toContain("web: hookFailed (hook for given-up: broken: exit code 1)");
    expect(engine.named("web").state).toBe("givenUp");
  });

  it("that never ends holds up nobody, and no more than sixteen wait", async () => {
    const { engine } = on.machine;
    engine.command = () => new Promise(() => undefined);
    const fast = { ...restart, maxAttempts: null, backoff: { initialMs: 0, maxMs: 0, multiplier: 1, jitter: 0 } };
    const hooks = [{ events: ["exited" as const], command: { executable: "sleep", args: [] }, timeoutMs: null }];
    await on.machine.run("web", { restart: fast, hooks });
    for (let i = 0; i < 20; i++) {
      engine.exit("web", 1);
      await pass(0);
    }
    expect(engine.named("web").run.number).toBe(21);
    expect(engine.journal.filter((entry) => entry.includes("16 wait already"))).toHaveLength(4);
  });
});

describe("a stop command", () => {
  const on = useMachine();

  it("is run instead of the signal, and what it leaves gets the signal", async () => {
    const { engine, daemon } = on.machine;
    const commands: string[] = [];
    await on.machine.run("web", { restart, stopCommand: { executable: "graceful", args: [] } });
    engine.command = async (_, command) => {
      commands.push(`${command.executable} while ${engine.named("web").desiredState}`);
      engine.exit("web", 0);
      return succeeded;
    };
    const { process } = await daemon.engine.stop({ name: "web" }, stopOptions, context);
    expect(commands).toEqual(["graceful while stopped"]);
    expect(process).toMatchObject({ state: "exited", run: { exit: { code: 0 } } });
    await pass(60_000);
    expect(engine.named("web").run.number).toBe(1);
  });

  it("is run once, however many ask and whoever leaves", async () => {
    const { engine, daemon } = on.machine;
    const { promise, resolve } = Promise.withResolvers<CommandResult>();
    let commands = 0;
    await on.machine.run("web", { restart, stopCommand: { executable: "graceful", args: [] } });
    engine.command = () => {
      commands++;
      return promise;
    };
    const request = { ...context, requestId: "once" };
    const leaving = new AbortController();
    const left = daemon.engine.stop({ name: "web" }, stopOptions, request, leaving.signal);
    await settle();
    leaving.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    const again = [request, context].map((one) => daemon.engine.stop({ name: "web" }, stopOptions, one));
    await settle();
    expect(engine.named("web").state).toBe("running");
    resolve(succeeded);
    for (const { receipt } of await Promise.all(again)) {
      expect(["stopped", "alreadyStopped"]).toContain(receipt.outcome);
    }
    expect(commands).toBe(1);
    expect(engine.named("web").state).toBe("exited");
  });

  it("is not run where a stop asks by signals already", async () => {
    const { engine, daemon } = on.machine;
    let commands = 0;
    await on.machine.run("web", { restart, stopCommand: { executable: "graceful", args: [] } });
    engine.command = async () => {
      commands++;
      return succeeded;
    };
    const { id, run } = engine.named("web");
    const { receipt } = await daemon.engine.stop({ name: "web" }, stopOptions, context);
    expect(commands).toBe(1);
    // As it is while the grace period goes on.
    engine.processes.set(id, {
      ...engine.named("web"),
      state: "stopping",
      run: { ...run, stop: { ...receipt, outcome: "pending" } },
    });
    await daemon.engine.stop({ name: "web" }, stopOptions, context);
    expect(commands).toBe(1);
  });

  it("is not run again by the next daemon, but the stop is", async () => {
    const { engine } = on.machine;
    await on.machine.run("web", { restart, stopCommand: { executable: "graceful", args: [] } });
    engine.command = () => new Promise(() => undefined);
    void on.machine.daemon.engine.stop({ name: "web" }, stopOptions, context).catch(() => undefined);
    await settle();
    expect(engine.named("web")).toMatchObject({ state: "running", desiredState: "stopped" });
    await on.machine.start();
    expect(engine.named("web")).toMatchObject({ state: "exited", desiredState: "stopped" });
  });
});
