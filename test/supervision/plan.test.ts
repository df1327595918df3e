import { describe, expect, it } from "vitest";
import type { ProcessInfo } from "../../src/server/engine/api/process.ts";
import type { ProcessSpec } from "../../src/server/engine/api/spec.ts";
import { membersOf, sharedName } from "../../src/server/supervision/project/members.ts";
import { planApply, planRemove, stopLevels } from "../../src/server/supervision/project/plan.ts";
import type { PendingApply, ProjectProcess } from "../../src/server/supervision/project/record.ts";
import { exitOf, nobody, policyOf, processOf, runOf, specOf } from "./processes.ts";

const process = (name: string, spec: ProcessSpec, change: Partial<ProjectProcess> = {}): ProjectProcess => ({
  name,
  labels: {},
  spec,
  replicas: null,
  stopped: false,
  ...change,
});
const needs = (...names: string[]) =>
  policyOf({ dependsOn: names.map((name) => ({ process: name, condition: "ready" as const })) });

const db = process("db", specOf("postgres"));
const migrate = process("migrate", specOf("migrate up", { policy: needs("db") }));
const web = process("web", specOf("serve", { policy: needs("db", "migrate") }), { replicas: 2 });
const worker = process("worker", specOf("work", { policy: needs("db") }));
// Not in the order of their dependencies.
const described = [web, worker, migrate, db];

const asked: Pick<PendingApply, "prune" | "only" | "restart"> = { prune: false, only: null, restart: {} };

/** The members as they are when all was applied and runs. */
function applied(processes: readonly ProjectProcess[]): ProcessInfo[] {
  return membersOf("shop", processes).map((member) => ({
    ...processOf(member.name, runOf(1, "running")),
    id: member.id,
    labels: member.labels,
    spec: member.spec,
  }));
}

function plan(
  processes: readonly ProjectProcess[],
  existing: readonly ProcessInfo[],
  pending: Partial<typeof asked> = {},
): string[] {
  return planApply({ name: "shop", processes }, { ...asked, ...pending }, existing).map(
    ({ name, action, changedFields }) => [name, action, ...changedFields].join(" "),
  );
}

const replaced = (existing: readonly ProcessInfo[], name: string, change: Partial<ProcessInfo>) =>
  existing.map((one) => (one.name === name ? { ...one, ...change } : one));

describe("applying a project", () => {
  it("makes what is new in the order of its dependencies", () => {
    expect(plan(described, [])).toEqual([
      "db create",
      "worker create",
      "migrate create",
      "web.1 create",
      "web.2 create",
    ]);
  });

  it("a second time does nothing", () => {
    expect(plan(described, applied(described)).filter((step) => !step.endsWith(" none"))).toEqual([]);
  });

  it.each([
    ["args", [process("db", specOf("postgres -d"))], "db restart spec.args"],
    [
      "the environment",
      [process("db", specOf("postgres", { env: [{ name: "A", value: "1" }] }))],
      "db restart spec.env",
    ],
    ["labels alone", [process("db", specOf("postgres"), { labels: { tier: "back" } })], "db update labels"],
    [
      "a policy alone",
      [process("db", specOf("postgres", { policy: policyOf({ maxRunMs: 1000 }) }))],
      "db update spec.max_run_time",
    ],
    [
      "the stop signal",
      [process("db", specOf("postgres", { stop: { signal: "SIGINT", graceMs: null } }))],
      "db update spec.stop",
    ],
    [
      "its readiness to that by notification, which needs a socket from the start",
      [
        process(
          "db",
          specOf("postgres", {
            policy: policyOf({
              readiness: {
                check: { kind: "notify", watchdogMs: null },
                startPeriodMs: null,
                intervalMs: null,
                timeoutMs: null,
                successThreshold: null,
                failureThreshold: null,
              },
            }),
          }),
        ),
      ],
      "db restart spec.readiness",
    ],
  ])("restarts just what changed: %s", (_, changed, expected) => {
    const processes = [...described.filter(({ name }) => name !== "db"), ...changed];
    expect(plan(processes, applied(described)).filter((step) => !step.endsWith(" none"))).toEqual([expected]);
  });

  it("takes variables in another order for the same", () => {
    const env = [
      { name: "A", value: "1" },
      { name: "B", value: Uint8Array.of(0xff) },
    ];
    const before = applied([process("db", specOf("postgres", { env }))]);
    expect(plan([process("db", specOf("postgres", { env: env.toReversed() }))], before)).toEqual(["db none"]);
    const other = [env[0], { name: "B", value: Uint8Array.of(0xfe) }] as typeof env;
    expect(plan([process("db", specOf("postgres", { env: other }))], before)).toEqual(["db restart spec.env"]);
  });

  it("scales without touching the others, and removes surplus replicas without being told to prune", () => {
    const four = [...described.slice(1), { ...web, replicas: 4 }];
    expect(plan(four, applied(described)).filter((step) => !step.endsWith(" none"))).toEqual([
      "web.3 create",
      "web.4 create",
    ]);
    const one = [...described.slice(1), { ...web, replicas: 1 }];
    expect(plan(one, applied(described)).filter((step) => !step.endsWith(" none"))).toEqual(["web.2 remove"]);
  });

  it("leaves what is no longer described, or prunes it first", () => {
    const less = described.filter(({ name }) => name !== "worker");
    expect(plan(less, applied(described))).toContain("worker keep");
    expect(plan(less, applied(described), { prune: true })[0]).toBe("worker remove");
  });

  it("starts what was stopped, has failed or is new, and not what is done", () => {
    const done = { ...runOf(1, "exited"), exit: exitOf(0) };
    const receipt = {
      cause: nobody,
      signal: "SIGTERM",
      graceMs: 1,
      force: false,
      requestTime: 0n,
      signalTime: 0n,
      killTime: null,
      endTime: 0n,
      outcome: "stopped",
      survivors: [],
    } as const;
    const given = applied(described);
    expect(plan(described, replaced(given, "migrate", { run: done, state: "exited" }))).toContain("migrate none");
    expect(
      plan(described, replaced(given, "migrate", { run: { ...done, exit: exitOf(1) }, state: "exited" })),
    ).toContain("migrate start");
    expect(plan(described, replaced(given, "migrate", { run: { ...done, stop: receipt }, state: "exited" }))).toContain(
      "migrate start",
    );
    expect(plan(described, replaced(given, "db", { run: runOf(0, "starting"), state: "exited" }))).toContain(
      "db start",
    );
    expect(plan(described, replaced(given, "db", { run: done, state: "waiting" }))).toContain("db none");
    expect(plan(described, replaced(given, "db", { run: runOf(4, "failed"), state: "givenUp" }))).toContain("db start");
  });

  it("runs a migration again that has changed", () => {
    const changed = [
      ...described.filter(({ name }) => name !== "migrate"),
      { ...migrate, spec: specOf("migrate up 2", { policy: needs("db") }) },
    ];
    const given = replaced(applied(described), "migrate", { run: runOf(1, "exited"), state: "exited" });
    expect(plan(changed, given)).toContain("migrate start spec.args");
  });

  it("starts only what is asked for with what it needs", () => {
    const steps = planApply({ name: "shop", processes: described }, { ...asked, only: ["migrate"] }, []);
    expect(steps.map(({ name, starts }) => [name, starts])).toEqual([
      ["db", true],
      ["worker", false],
      ["migrate", true],
      ["web.1", false],
      ["web.2", false],
    ]);
  });

  it("restarts what is asked to be, once", () => {
    const given = applied(described);
    const restart = Object.fromEntries(given.map(({ id }) => [id, 1]));
    expect(plan(described, given, { restart })).toEqual([
      "db restart",
      "worker restart",
      "migrate restart",
      "web.1 restart",
      "web.2 restart",
    ]);
    const half = replaced(given, "db", { run: runOf(2, "running") });
    expect(plan(described, half, { restart })).toContain("db none");
  });
});

describe("a project's members", () => {
  it("have the same ids every time, others in another project", () => {
    const ids = membersOf("shop", described).map(({ id }) => id);
    expect(membersOf("shop", described).map(({ id }) => id)).toEqual(ids);
    expect(new Set([...ids, ...membersOf("other", described).map(({ id }) => id)]).size).toBe(10);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("know which replica they are", () => {
    const members = membersOf("shop", [
      process("web", specOf("serve", { env: [{ name: "PM_REPLICA", value: "x" }] }), { replicas: 2 }),
    ]);
    expect(members.map(({ spec }) => spec.env)).toEqual([
      [{ name: "PM_REPLICA", value: "1" }],
      [{ name: "PM_REPLICA", value: "2" }],
    ]);
    expect(members[1]?.labels).toEqual({ "pm/project": "shop", "pm/process": "web" });
  });

  it("may not share a name", () => {
    expect(sharedName(membersOf("shop", described))).toBeUndefined();
    expect(sharedName(membersOf("shop", [web, process("web.2", specOf("x"))]))).toBe("web.2");
  });

  it("are stopped in reverse", () => {
    const names = stopLevels(applied(described)).map((level) => level.map(({ name }) => name));
    expect(names).toEqual([["web.1", "web.2"], ["worker", "migrate"], ["db"]]);
    const steps = planRemove(
      { kind: "remove", graceMs: null, keepProcesses: false, cause: nobody },
      applied(described),
    );
    expect(steps.map(({ name, action }) => `${name} ${action}`)).toEqual([
      "web.1 remove",
      "web.2 remove",
      "worker remove",
      "migrate remove",
      "db remove",
    ]);
  });
});
