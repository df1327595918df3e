import { describe, expect, test } from "vitest";
import type { ProcessState, SupervisionStatus } from "../../../../../src/sdk/types.ts";
import { failureText, hasFailed } from "../../../../../src/tui/state/table/failures.ts";
import { processMatcher } from "../../../../../src/tui/state/table/process-filter.ts";
import { lastRunFailed } from "../../../../../src/tui/state/table/process-outcome.ts";
import { hasStatus, statusText, waitingSentence } from "../../../../../src/tui/state/table/supervision-text.ts";
import { processInfo, supervisionStatus } from "../../../../support/process-info.ts";

const now = new Date(2026, 10, 26, 14, 0).getTime();
const until = (milliseconds: number): Date => new Date(now + milliseconds);

function supervised(state: ProcessState, supervision: Partial<SupervisionStatus>) {
  return processInfo("a", { name: "a", state, supervision: supervisionStatus(supervision) });
}

describe("what its policies make of a process", () => {
  test.each([
    [
      { waiting: { reason: "restart", until: until(4000), for: [], detail: "" }, attempt: 3, maxAttempts: 5 },
      "in 4s (3/5)",
      "for attempt 3 of 5 · in 4s",
    ],
    [
      { waiting: { reason: "restart", until: until(-1), for: [], detail: "" }, attempt: 3 },
      "due (3)",
      "for attempt 3 · due",
    ],
    [
      { waiting: { reason: "dependency", for: ["db", "cache"], detail: "db: it is not ready yet" } },
      "for db, cache",
      "for db, cache · db: it is not ready yet",
    ],
    [
      { waiting: { reason: "queue", for: ["builds"], detail: "" }, queuePosition: 2 },
      "#2 in builds",
      "for its turn in builds, #2",
    ],
    [
      { waiting: { reason: "schedule", until: until(3_600_000), for: ["hourly"], detail: "" } },
      "at 15:00",
      "for its schedule hourly · at 15:00",
    ],
    [
      { waiting: { reason: "schedule", until: until(86_400_000), for: [], detail: "" } },
      "Fri 14:00",
      "for its schedule · at 2026-11-27 14:00",
    ],
    [
      { waiting: { reason: "schedule", until: until(7 * 86_400_000), for: [], detail: "" } },
      "2026-12-03",
      "for its schedule · at 2026-12-03 14:00",
    ],
    [
      { waiting: { reason: "restart", until: until(300), for: [], detail: "" }, attempt: 1 },
      "in 1s (1)",
      "for attempt 1 · in 1s",
    ],
  ] as const)("%j", (supervision, short, long) => {
    const process = supervised("waiting", supervision);
    expect(hasStatus(process)).toBe(true);
    expect(statusText(process, now)).toBe(short);
    expect(waitingSentence(supervisionStatus(supervision), now)).toBe(long);
  });

  test.each([
    ["running", { health: "unhealthy", readiness: "notReady" }, "unhealthy"],
    ["running", { health: "healthy", readiness: "notReady", notifyStatus: "loading" }, "not ready"],
    ["running", { readiness: "ready", notifyStatus: "serving \x1b[31m7\n" }, "serving 7␊"],
    ["running", { readiness: "ready", restarts: 2, maxAttempts: 5 }, "restarts 2/5"],
    ["running", { restarts: 1 }, "restarts 1"],
    ["running", { readiness: "ready" }, "ready"],
    ["running", { health: "healthy" }, "healthy"],
    ["givenUp", { restarts: 5, maxAttempts: 5 }, "restarts 5/5"],
    ["running", { restarts: 12, attempt: 2, maxAttempts: 5 }, "restarts 12 (2/5)"],
    ["running", {}, ""],
  ] as const)("%s with %j", (state, supervision, text) => {
    const process = supervised(state, supervision);
    expect(statusText(process, now)).toBe(text);
    expect(hasStatus(process)).toBe(text !== "");
  });

  test("what is given up has failed, and says after how many restarts", () => {
    const process = supervised("givenUp", { restarts: 3, maxAttempts: 3 });
    expect(hasFailed(process)).toBe(true);
    expect(failureText(process)).toBe("is given up after 3 restarts");
  });
});

test.each([
  ["project:shop", ["shop", "shop-2"]],
  ["project:SHOP-", ["shop-2"]],
  ["!project:shop", ["", "blog"]],
  ["project:", ["blog", "shop", "shop-2"]],
])("the filter %s", (filter, projects) => {
  const fits = processMatcher(filter);
  const ranked = ["", "blog", "shop-2", "shop"]
    .map((project) => ({ project, rank: fits?.(supervised("running", { project })) ?? -1 }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank || (a.project < b.project ? -1 : 1));
  expect(ranked.map(({ project }) => project)).toEqual(projects);
});

test.each([
  ["queue:builds", ["a"]],
  ["queue:BUI", ["a"]],
  ["schedule:nightly", ["b"]],
  ["schedule:", ["b"]],
  ["!queue:builds", ["b"]],
])("the filter %s shows what belongs there", (filter, ids) => {
  const fits = processMatcher(filter);
  const a = supervised("waiting", {});
  const queued = { ...a, spec: { ...a.spec, queue: "builds" } };
  const scheduled = { ...supervised("waiting", { schedule: "nightly" }), id: "b" };
  expect([queued, scheduled].filter((process) => fits?.(process) !== -1).map(({ id }) => id)).toEqual(ids);
});

test("the exit code of a run that ended badly is seen while the next one is waited for", () => {
  const { state: _, ...ended } = processInfo("a", { state: "exited", code: 1 });
  expect(
    (["waiting", "givenUp", "exited", "running"] as const).filter((state) => lastRunFailed({ ...ended, state })),
  ).toEqual(["waiting", "givenUp", "exited"]);
  expect(lastRunFailed({ ...processInfo("a", { state: "exited", code: 0 }), state: "waiting" })).toBe(false);
});

test("a waiting process is found by its state", () => {
  expect(processMatcher("state:waiting")?.(supervised("waiting", {}))).toBe(0);
});

test("the exit codes that mean success are the process's own", () => {
  const process = processInfo("a", { state: "exited", code: 3 });
  expect(hasFailed(process)).toBe(true);
  expect(hasFailed({ ...process, spec: { ...process.spec, successCodes: [0, 3] } })).toBe(false);
});

test.each([
  ["killed at once, as somebody wanted", { signal: "SIGKILL" }, { force: true, graceMs: 0 }, false],
  ["killed because the grace period was over", { signal: "SIGKILL" }, { force: true, graceMs: 10 }, true],
  ["ended with 128 and the signal that it handled", { code: 143 }, {}, false],
  ["ended with another code", { code: 1 }, {}, true],
] as const)("what was stopped and %s has failed only if that is not what was asked for", (_how, exit, how, failed) => {
  const stop = { signal: "SIGTERM", graceMs: 1, force: false, outcome: "stopped", survivors: [], ...how } as const;
  const cause = { kind: "request", principal: "local" } as const;
  expect(hasFailed(processInfo("a", { state: "exited", ...exit, runInfo: { stop: { ...stop, cause } } }))).toBe(failed);
  // Nobody asked for it.
  expect(hasFailed(processInfo("a", { state: "exited", ...exit }))).toBe(true);
});
