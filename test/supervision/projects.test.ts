import { describe, expect, it } from "vitest";
import type { SupervisionPolicy } from "../../src/server/engine/api/policy.ts";
import type { ProjectFrame } from "../../src/server/supervision/project/projects.ts";
import type { ProjectProcess } from "../../src/server/supervision/project/record.ts";
import { pass, settle, useMachine } from "./daemon.ts";
import { context } from "./fake-engine.ts";
import { nobody, policyOf, specOf } from "./processes.ts";

const stopOptions = { signal: "", graceMs: null, force: true, wait: true };
const cause = { ...nobody, kind: "project" } as const;
const restart = {
  mode: "unlessStopped",
  maxAttempts: null,
  windowMs: null,
  backoff: { initialMs: 1000, maxMs: null, multiplier: null, jitter: 0 },
  stableMs: null,
  memoryBytes: null,
} as const;

function process(
  name: string,
  policy: Partial<SupervisionPolicy> = {},
  change: Partial<ProjectProcess> = {},
): ProjectProcess {
  return {
    name,
    labels: {},
    spec: specOf(name, { policy: policyOf(policy) }),
    replicas: null,
    stopped: false,
    ...change,
  };
}

const shop = [
  process("web", { restart, dependsOn: [{ process: "migrate", condition: "completedSuccessfully" }] }, { replicas: 2 }),
  process("migrate", { dependsOn: [{ process: "db", condition: "ready" }] }),
  process("db", { restart }),
];

describe("a project", () => {
  const on = useMachine();
  const request = (processes: readonly ProjectProcess[], change: object = {}) => ({
    name: "shop",
    processes,
    source: "pm.yaml",
    prune: false,
    dryRun: false,
    only: [],
    resourceVersion: "",
    restartAll: false,
    schedules: [],
    cause,
    ...change,
  });
  async function frames(stream: AsyncIterable<ProjectFrame>): Promise<ProjectFrame[]> {
    return Array.fromAsync(stream);
  }
  async function apply(processes: readonly ProjectProcess[], change: object = {}): Promise<string[]> {
    const seen = await frames(on.machine.daemon.projects.apply(request(processes, change)));
    await settle();
    const [plan] = seen;
    const end = seen.at(-1);
    expect(end).toMatchObject({ kind: "end" });
    return plan?.kind === "plan" ? plan.steps.map(({ name, action }) => `${name} ${action}`) : [];
  }

  it("comes up in the order of its dependencies, and goes down in reverse", async () => {
    const { engine, daemon } = on.machine;
    expect(await apply(shop)).toEqual(["db create", "migrate create", "web.1 create", "web.2 create"]);
    expect(engine.states()).toEqual({
      db: "running",
      migrate: "running",
      "web.1": "waiting dependency",
      "web.2": "waiting dependency",
    });
    engine.exit("migrate", 0);
    await settle();
    expect(engine.states()).toMatchObject({ "web.1": "running", "web.2": "running" });
    expect(engine.named("web.2")).toMatchObject({
      labels: { "pm/project": "shop", "pm/process": "web" },
      spec: { env: [{ name: "PM_REPLICA", value: "2" }] },
      supervision: { project: "shop" },
    });
    engine.exit("web.1", 1);
    await pass(1000);
    expect(engine.named("web.1")).toMatchObject({ state: "running", run: { number: 2 } });

    const seen = await frames(
      daemon.projects.remove({ name: "shop", graceMs: null, keepProcesses: false, resourceVersion: "", cause }),
    );
    expect(seen[0]?.kind === "plan" && seen[0].steps.map(({ name }) => name)).toEqual([
      "web.1",
      "web.2",
      "migrate",
      "db",
    ]);
    expect(engine.processes.size).toBe(0);
    expect(() => daemon.projects.get("shop")).toThrow(expect.objectContaining({ reason: "PROJECT_NOT_FOUND" }));
    await pass(60_000);
    expect(engine.processes.size).toBe(0);
  });

  it("applied twice changes nothing", async () => {
    const { engine, daemon } = on.machine;
    await apply(shop);
    engine.exit("migrate", 0);
    await settle();
    const before = engine.journal.length;
    const { version } = daemon.projects.get("shop");
    expect(await apply(shop)).toEqual(["db none", "migrate none", "web.1 none", "web.2 none"]);
    expect(engine.journal.slice(before)).toEqual(["shop: projectApplied ()"]);
    expect(daemon.projects.get("shop").version).toBe(version);
  });

  it("scales and changes just what is different", async () => {
    const { engine } = on.machine;
    const plain = [process("web", { restart }, { replicas: 2 }), process("db", { restart })];
    await apply(plain);
    const changed = [
      process("web", { restart }, { replicas: 4 }),
      { ...process("db", { restart }), spec: specOf("db --new", { policy: policyOf({ restart }) }) },
    ];
    expect(await apply(changed)).toEqual(["web.1 none", "web.2 none", "web.3 create", "web.4 create", "db restart"]);
    expect(["web.1", "web.2", "web.3", "web.4", "db"].map((name) => engine.named(name).run.number)).toEqual([
      1, 1, 1, 1, 2,
    ]);
    expect(await apply([process("web", { restart }, { replicas: 1 })], { prune: true })).toEqual([
      "web.2 remove",
      "db remove",
      "web.3 remove",
      "web.4 remove",
      "web.1 none",
    ]);
    expect(engine.states()).toEqual({ "web.1": "running" });
  });

  it("tells what it would do, and does nothing of it", async () => {
    const { engine, daemon } = on.machine;
    expect(await apply(shop, { dryRun: true })).toHaveLength(4);
    expect(engine.processes.size).toBe(0);
    expect(daemon.projects.list()).toEqual([]);
  });

  it("is finished by the next daemon, wherever the one before died", async () => {
    const { daemon } = on.machine;
    const stream = daemon.projects.apply(request(shop));
    await stream.next();
    await on.machine.stop();
    await expect(frames(stream)).rejects.toMatchObject({ reason: "SHUTTING_DOWN" });
    await on.machine.start();
    await settle();
    const { engine } = on.machine;
    expect(engine.states()).toEqual({
      db: "running",
      migrate: "running",
      "web.1": "waiting dependency",
      "web.2": "waiting dependency",
    });
    expect([...engine.processes.values()].every(({ run }) => run.number <= 1)).toBe(true);
    expect(on.machine.daemon.projects.get("shop").pending).toBeNull();
  });

  it("goes on without its reader", async () => {
    const { engine, daemon } = on.machine;
    const stream = daemon.projects.apply(request(shop));
    await stream.next();
    await stream.return(undefined);
    await settle();
    await settle();
    expect(engine.states()["db"]).toBe("running");
    expect(daemon.projects.get("shop").pending).toBeNull();
  });

  it("that two apply at once is what the later one says", async () => {
    const { engine, daemon } = on.machine;
    const one = Array.from({ length: 30 }, (_, i) => process(`p${i}`));
    const two = [process("p0"), process("q")];
    const [first, second] = await Promise.allSettled([
      frames(daemon.projects.apply(request(one))),
      frames(daemon.projects.apply(request(two, { prune: true }))),
    ]);
    expect(first).toMatchObject({ status: "rejected", reason: { reason: "SUPERSEDED" } });
    expect(second.status).toBe("fulfilled");
    expect(engine.states()).toEqual({ p0: "running", q: "running" });
    expect(daemon.projects.get("shop").processes.map(({ name }) => name)).toEqual(["p0", "q"]);
  });

  it("takes the version that its writer has seen", async () => {
    await expect(apply(shop, { resourceVersion: "1" })).rejects.toMatchObject({ reason: "CONDITION_FAILED" });
    await apply(shop, { resourceVersion: "none" });
    await expect(apply(shop, { resourceVersion: "none" })).rejects.toMatchObject({ metadata: { actual: "1" } });
    await apply([process("db")], { resourceVersion: "1" });
    expect(on.machine.daemon.projects.get("shop").version).toBe(2);
  });

  it("is refused as a whole for what is wrong with it", async () => {
    const { engine } = on.machine;
    const need = (name: string) => ({ dependsOn: [{ process: name, condition: "started" as const }] });
    const cycle = [process("a", need("b")), process("b", need("c")), process("c", need("a"))];
    await expect(apply(cycle)).rejects.toMatchObject({ reason: "DEPENDENCY_CYCLE", metadata: { cycle: "a,b,c,a" } });
    await expect(apply([process("a"), process("a")])).rejects.toMatchObject({ reason: "INVALID_ARGUMENT" });
    const shared = [process("a", {}, { replicas: 2 }), process("a.2")];
    await expect(apply(shared)).rejects.toMatchObject({ reason: "INVALID_ARGUMENT" });
    await expect(apply(shop, { only: ["wbe"] })).rejects.toMatchObject({ reason: "INVALID_ARGUMENT" });
    await expect(apply([process("a", {}, { replicas: 1001 })])).rejects.toMatchObject({ reason: "LIMIT_EXCEEDED" });
    await on.machine.run("db", {});
    await expect(apply(shop)).rejects.toMatchObject({ reason: "NAME_IN_USE" });
    expect([...engine.processes.values()].map(({ name }) => name)).toEqual(["db"]);
  });

  it("says which step failed, and does the others", async () => {
    const { engine, daemon } = on.machine;
    engine.broken.add("bad");
    const seen = await frames(daemon.projects.apply(request([process("bad"), process("good")])));
    expect(engine.states()).toEqual({ bad: "failed", good: "running" });
    expect(seen.at(-1)).toMatchObject({ kind: "end", failed: 0 });
    engine.broken.clear();
    expect(await apply([process("bad"), process("good")])).toEqual(["bad start", "good none"]);
    expect(engine.named("bad").state).toBe("running");
  });

  const schedules = [
    {
      name: "nightly",
      process: "job",
      timing: { kind: "every", ms: 60_000 },
      overlap: "skip",
      catchUp: "skip",
      paused: false,
    },
  ];

  it("has its schedules", async () => {
    const { engine, daemon } = on.machine;
    await apply([process("job", {}, { stopped: true })], { schedules });
    expect(engine.states()).toEqual({ job: "waiting schedule" });
    await pass(60_000);
    expect(engine.states()).toEqual({ job: "running" });
    await apply([process("job", {}, { stopped: true })]);
    expect(daemon.schedules.list()).toEqual([]);
    expect(engine.states()).toEqual({ job: "running" });
  });

  it("has its schedules too when the daemon dies before they are set", async () => {
    const { engine, daemon } = on.machine;
    const died = Promise.withResolvers<void>();
    engine.onDeath = died.resolve;
    engine.callsUntilDeath = 1;
    void frames(daemon.projects.apply(request([process("job", {}, { stopped: true })], { schedules })));
    await died.promise;
    await on.machine.killed();
    await on.machine.start();
    while (on.machine.daemon.projects.get("shop").pending !== null) {
      await settle();
    }
    expect(on.machine.daemon.schedules.list()).toMatchObject([{ name: "nightly" }]);
    expect(engine.states()).toEqual({ job: "waiting schedule" });
  });

  it.each(["applied", "removed"])(
    "that is %s anew, the one under way having ended meanwhile, tells who waits for it",
    async (how) => {
      const { projects } = on.machine.daemon;
      const first = projects.apply(request([process("p0"), process("p1")]));
      await first.next();
      // Its next step comes long before the new record is on disk.
      const removal = { name: "shop", graceMs: null, keepProcesses: false, resourceVersion: "", cause };
      const second = frames(how === "applied" ? projects.apply(request([process("p0")])) : projects.remove(removal));
      await expect(frames(first)).rejects.toMatchObject({ reason: "SUPERSEDED" });
      expect((await second).at(-1)).toMatchObject({ kind: "end", failed: 0 });
    },
  );

  it("is of the version that a request asked for also when that is sent again", async () => {
    const asked = { resourceVersion: "none", cause: { ...cause, requestId: "one" } };
    expect(await apply([process("p0")], asked)).toEqual(["p0 create"]);
    expect(await apply([process("p0")], asked)).toEqual(["p0 none"]);
    const other = frames(on.machine.daemon.projects.apply(request([process("p0")], { resourceVersion: "none" })));
    await expect(other).rejects.toMatchObject({ reason: "CONDITION_FAILED" });
  });

  it("that a request has removed is removed to the same request again, and another one is left alone", async () => {
    const { projects } = on.machine.daemon;
    const removal = { name: "shop", graceMs: null, keepProcesses: false, resourceVersion: "" };
    const asked = { ...removal, cause: { ...cause, requestId: "one" } };
    await apply([process("p0")]);
    expect((await frames(projects.remove(asked))).at(-1)).toMatchObject({ kind: "end", project: null });
    expect(await frames(projects.remove(asked))).toMatchObject([{ kind: "plan", steps: [] }, { kind: "end" }]);
    const other = frames(projects.remove({ ...removal, cause: { ...cause, requestId: "two" } }));
    await expect(other).rejects.toMatchObject({ reason: "PROJECT_NOT_FOUND" });
    await apply([process("p0")]);
    await frames(projects.remove(asked));
    expect(projects.get("shop").members).toMatchObject([{ name: "p0" }]);
  });

  it("that is removed while it is applied leaves no schedule and no process", async () => {
    const { engine, daemon } = on.machine;
    const removal = { name: "shop", graceMs: null, keepProcesses: false, resourceVersion: "", cause };
    const [applied, removed] = await Promise.allSettled([
      frames(daemon.projects.apply(request([process("job", {}, { stopped: true })], { schedules }))),
      frames(daemon.projects.remove(removal)),
    ]);
    expect(applied).toMatchObject({ status: "rejected", reason: { reason: "SUPERSEDED" } });
    expect(removed.status).toBe("fulfilled");
    await settle();
    expect(daemon.schedules.list()).toEqual([]);
    expect(engine.states()).toEqual({});
  });

  it("is as the later of two says, its schedules too", async () => {
    const { engine, daemon } = on.machine;
    const other = [{ ...schedules[0], name: "hourly" }];
    const job = [process("job", {}, { stopped: true })];
    const [first, second] = await Promise.allSettled([
      frames(daemon.projects.apply(request(job, { schedules }))),
      frames(daemon.projects.apply(request(job, { schedules: other }))),
    ]);
    expect(first).toMatchObject({ status: "rejected", reason: { reason: "SUPERSEDED" } });
    expect(second.status).toBe("fulfilled");
    await settle();
    expect(daemon.schedules.list().map(({ name }) => name)).toEqual(["hourly"]);
    expect(engine.states()).toEqual({ job: "waiting schedule" });
  });
});

describe("after a reboot", () => {
  const on = useMachine();

  it("what is meant to run runs, and what was stopped does not", async () => {
    const { engine, daemon } = on.machine;
    const modes = ["no", "onFailure", "unlessStopped", "always"] as const;
    for (const mode of modes) {
      await on.machine.run(`${mode}-up`, { restart: { ...restart, mode } });
      await on.machine.run(`${mode}-down`, { restart: { ...restart, mode } });
      await daemon.engine.stop({ name: `${mode}-down` }, stopOptions, context);
    }
    const { id } = engine.named("always-up");
    await on.machine.reboot();
    expect(on.machine.engine.states()).toEqual({
      "unlessStopped-up": "running",
      "unlessStopped-down": "exited",
      "always-up": "running",
      "always-down": "running",
    });
    expect(on.machine.engine.get({ id })).toMatchObject({ name: "always-up", run: { cause: { kind: "boot" } } });
    expect(on.machine.engine.named("unlessStopped-down")).toMatchObject({
      desiredState: "stopped",
      run: { number: 0 },
    });
  });

  it("a daemon that only restarts starts nothing", async () => {
    const { engine } = on.machine;
    await on.machine.run("web", { restart: { ...restart, mode: "always" } });
    await on.machine.daemon.engine.stop({ name: "web" }, stopOptions, context);
    await on.machine.start();
    await pass(60_000);
    expect(engine.named("web")).toMatchObject({ state: "exited", run: { number: 1 } });
  });

  it("what was removed is gone, and what is in a queue takes its turn", async () => {
    const { daemon } = on.machine;
    await on.machine.run("gone", { restart });
    await daemon.engine.remove({ name: "gone" }, true, context);
    for (const name of ["a", "b", "c"]) {
      await on.machine.run(name, { restart, queue: "jobs" });
    }
    await on.machine.reboot();
    const states = Object.values(on.machine.engine.states()).sort();
    expect(states).toEqual(["running", "waiting queue", "waiting queue"]);
  });

  it("projects come up in order, without what was stopped", async () => {
    const { daemon } = on.machine;
    const processes = [
      process("db", { restart }),
      process("web", { restart, dependsOn: [{ process: "db", condition: "ready" }] }),
      process("old", { restart }),
    ];
    const apply = daemon.projects.apply({
      name: "shop",
      processes,
      source: "",
      prune: false,
      dryRun: false,
      only: [],
      resourceVersion: "",
      restartAll: false,
      schedules: [],
      cause,
    });
    await Array.fromAsync(apply);
    await daemon.engine.stop({ name: "old" }, stopOptions, context);
    await on.machine.reboot();
    await settle();
    expect(on.machine.engine.states()).toEqual({ db: "running", web: "running", old: "exited" });
    expect(on.machine.daemon.projects.get("shop")).toMatchObject({ pending: null, version: 1 });
  });
});
