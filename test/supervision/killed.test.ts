import { describe, expect, it } from "vitest";
import type { Dependency } from "../../src/server/engine/api/policy.ts";
import type { ProjectProcess } from "../../src/server/supervision/project/record.ts";
import { seeded } from "../../src/server/supervision/restart/random.ts";
import { pass, settle, useMachine } from "./daemon.ts";
import { nobody, policyOf, specOf } from "./processes.ts";

const restart = {
  mode: "unlessStopped",
  maxAttempts: null,
  windowMs: null,
  backoff: { initialMs: 1000, maxMs: 5000, multiplier: 2, jitter: 0.1 },
  stableMs: null,
  memoryBytes: null,
} as const;

/** Forty processes in five layers, a job in each: what comes after waits for the job and for one of the layer before. */
const forty: ProjectProcess[] = Array.from({ length: 40 }, (_, index) => {
  const layer = Math.floor(index / 8);
  const isJob = index % 8 === 0;
  const dependsOn: Dependency[] =
    layer === 0
      ? []
      : [
          { process: `p${(layer - 1) * 8}`, condition: "completedSuccessfully" },
          { process: `p${(layer - 1) * 8 + (index % 7) + 1}`, condition: "ready" },
        ];
  const policy = policyOf({ restart: isJob ? null : restart, dependsOn, queue: isJob ? "jobs" : "" });
  return { name: `p${index}`, labels: {}, spec: specOf(`x ${index}`, { policy }), replicas: null, stopped: false };
});
const jobs = new Set(forty.filter(({ spec }) => spec.policy?.queue === "jobs").map(({ name }) => name));

describe("a daemon that is killed fifty times while it applies a project", () => {
  const on = useMachine();

  it("leaves what the project says, whenever that was", async () => {
    const { engine } = on.machine;
    const request = {
      name: "big",
      processes: forty,
      source: "",
      prune: false,
      dryRun: false,
      only: [],
      resourceVersion: "",
      restartAll: false,
      schedules: [],
      cause: { ...nobody, kind: "project" as const },
    };
    const crashed = new Set<string>();
    /** What the processes do by themselves: jobs end, and each of the others crashes once at some time. */
    const live = (round: number) => {
      for (const { name, run } of [...engine.processes.values()]) {
        if (run.state !== "running") {
          continue;
        }
        if (jobs.has(name)) {
          engine.exit(name, 0);
        } else if (!crashed.has(name) && seeded(`${round}/${name}`) < 0.1) {
          crashed.add(name);
          engine.exit(name, 1);
        }
      }
    };
    const first = on.machine.daemon.projects.apply(request);
    let deaths = 0;
    let dead = false;
    engine.onDeath = () => {
      deaths++;
      dead = true;
    };
    void first.next().catch(() => undefined);
    for (let round = 0; deaths < 50 && round < 500; round++) {
      engine.callsUntilDeath = 1 + Math.floor(seeded(`death ${round}`) * 6);
      for (let step = 0; step < 4 && !dead; step++) {
        await settle();
        live(round);
        await pass(500);
      }
      const victim = [...engine.processes.values()].find(({ name, run }) => run.state === "running" && !jobs.has(name));
      if (!dead && victim !== undefined) {
        // It has nothing to do: what is up is taken down, so that there is.
        engine.exit(victim.name, 1);
        await pass(5000);
      }
      engine.callsUntilDeath = Number.POSITIVE_INFINITY;
      await settle();
      if (dead) {
        await on.machine.killed();
        dead = false;
      }
      await on.machine.start();
    }
    expect(deaths).toBe(50);
    for (let step = 0; step < 30; step++) {
      await pass(5000);
      live(1000);
      await settle();
    }
    const states = engine.states();
    expect(Object.keys(states)).toHaveLength(40);
    expect(Object.entries(states).filter(([name, state]) => state !== (jobs.has(name) ? "exited" : "running"))).toEqual(
      [],
    );
    // No job was run a second time.
    expect([...jobs].map((name) => engine.named(name).run.number)).toEqual([1, 1, 1, 1, 1]);
    expect(on.machine.daemon.projects.get("big")).toMatchObject({ pending: null, version: 1 });
  });
});
