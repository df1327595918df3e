import { describe, expect, it } from "vitest";
import type { DependencyCondition, Probe } from "../../src/server/engine/api/policy.ts";
import type { ProcessInfo } from "../../src/server/engine/api/process.ts";
import { unmet } from "../../src/server/supervision/dependency/gate.ts";
import { exitOf, policyOf, processOf, runOf, specOf, unsupervised } from "./processes.ts";

const probe: Probe = {
  check: { kind: "tcp", host: "", port: 5432 },
  startPeriodMs: null,
  intervalMs: null,
  timeoutMs: null,
  successThreshold: null,
  failureThreshold: null,
};
const probed = specOf("db", { policy: policyOf({ readiness: probe }) });
const exited = (code: number) => runOf(1, "exited", { exit: exitOf(code) });
const running = runOf(1, "running");

const cases: Record<string, [ProcessInfo, Record<DependencyCondition, string | null>]> = {
  "has had no run": [
    processOf("db", runOf(0, "starting")),
    {
      started: "it is not running",
      ready: "it is not running",
      completed: "it has not ended yet",
      completedSuccessfully: "it has not ended yet",
    },
  ],
  "is starting": [
    processOf("db", runOf(1, "starting")),
    {
      started: "it is starting",
      ready: "it is starting",
      completed: "it has not ended yet",
      completedSuccessfully: "it has not ended yet",
    },
  ],
  "runs without a probe": [
    processOf("db", running),
    { started: null, ready: null, completed: "it has not ended yet", completedSuccessfully: "it has not ended yet" },
  ],
  "runs and is not ready": [
    processOf("db", running, { spec: probed, supervision: { ...unsupervised, readiness: "notReady" } }),
    {
      started: null,
      ready: "it is not ready yet",
      completed: "it has not ended yet",
      completedSuccessfully: "it has not ended yet",
    },
  ],
  "runs and is ready": [
    processOf("db", running, { spec: probed, supervision: { ...unsupervised, readiness: "ready" } }),
    { started: null, ready: null, completed: "it has not ended yet", completedSuccessfully: "it has not ended yet" },
  ],
  "was ready and has ended": [
    processOf("db", exited(0), { spec: probed, supervision: { ...unsupervised, readiness: "ready" } }),
    { started: null, ready: "it is not running", completed: null, completedSuccessfully: null },
  ],
  "has failed with code 3": [
    processOf("db", exited(3)),
    { started: null, ready: "it is not running", completed: null, completedSuccessfully: "it has failed" },
  ],
  "ended with 3, which is a success": [
    processOf("db", exited(3), { spec: specOf("db", { policy: policyOf({ successCodes: [0, 3] }) }) }),
    { started: null, ready: "it is not running", completed: null, completedSuccessfully: null },
  ],
  "has given up": [
    processOf("db", exited(1), { state: "givenUp" }),
    {
      started: null,
      ready: "its restart policy has given up",
      completed: null,
      completedSuccessfully: "it has failed",
    },
  ],
  "could not be started": [
    processOf("db", runOf(1, "failed")),
    {
      started: "it could not be started",
      ready: "it could not be started",
      completed: null,
      completedSuccessfully: "it has failed",
    },
  ],
  "was lost": [
    processOf("db", runOf(1, "lost")),
    { started: null, ready: "it is not running", completed: null, completedSuccessfully: "it has failed" },
  ],
};

describe("a dependency that", () => {
  it.each(Object.entries(cases))("%s", (_, [process, expected]) => {
    const found = Object.fromEntries(
      (Object.keys(expected) as DependencyCondition[]).map((condition) => [
        condition,
        unmet([{ process: "db", condition }], () => [process])[0]?.why ?? null,
      ]),
    );
    expect(found).toEqual(expected);
  });

  it("does not exist is waited for", () => {
    expect(unmet([{ process: "db", condition: "started" }], () => [])).toEqual([
      { name: "db", why: "there is no such process" },
    ]);
  });

  it("has replicas is each of them", () => {
    const replicas = [
      processOf("db.1", running),
      processOf("db.2", runOf(1, "starting")),
      processOf("db.3", exited(0)),
    ];
    expect(unmet([{ process: "db", condition: "ready" }], () => replicas).map(({ name }) => name)).toEqual([
      "db.2",
      "db.3",
    ]);
  });
});
