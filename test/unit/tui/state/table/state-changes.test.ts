import { expect, test } from "vitest";
import type { Change, ProcessState } from "../../../../../src/sdk/types.ts";
import { causeText } from "../../../../../src/tui/state/table/cause-text.ts";
import { recordChanges, type StateChange } from "../../../../../src/tui/state/table/state-changes.ts";
import { EMPTY_TABLE } from "../../../../../src/tui/state/table/table.ts";
import { applyWatchEvents } from "../../../../../src/tui/state/table/table-events.ts";
import { DashboardDriver } from "../../../../support/dashboard-driver.ts";
import { processInfo } from "../../../../support/process-info.ts";

test("D7 times of changes never run backwards: what was only seen was not later than what came after it", () => {
  let table = applyWatchEvents(EMPTY_TABLE, [{ type: "reset" }, { type: "bookmark", resourceVersion: "1" }]);
  let changes: readonly StateChange[] = [];
  const see = (now: number, process: Parameters<typeof processInfo>[1]): void => {
    const events = [{ type: "modified" as const, process: processInfo("a", process) }];
    changes = recordChanges(changes, table, events, now);
    table = applyWatchEvents(table, events);
  };
  // Each is seen 40 ms after it happened.
  see(1040, { state: "starting" });
  const told = (to: ProcessState, time: number): Change => ({ sequence: 1, time: new Date(time), to });
  see(1040, { state: "running", lastChange: told("running", 1010) });
  see(5040, { state: "stopping" });
  see(5060, { state: "exited", code: 0, lastChange: told("exited", 5020) });
  // What is told of another state says nothing of this one.
  see(5061, { state: "starting", run: 2, lastChange: told("exited", 5020) });
  see(5090, { state: "running", run: 2, lastChange: told("running", 5095) });
  // The daemon's clock is ahead of this one.
  see(5091, { state: "stopping", run: 2 });
  expect(changes.map(({ state, time }) => [state, time])).toEqual([
    ["starting", 1010],
    ["running", 1010],
    ["stopping", 5020],
    ["exited", 5020],
    ["starting", 5061],
    ["running", 5095],
    ["stopping", 5095],
  ]);
});

test.each([
  [undefined, ""],
  [{ kind: "request", principal: "local", requestId: "r" }, "on request"],
  [{ kind: "request", principal: "alice" }, "on request of alice"],
  [{ kind: "exit", detail: "exit code 1" }, "exit code 1"],
  [{ kind: "exit" }, "by itself"],
  [{ kind: "restartPolicy", detail: "attempt 2" }, "restart policy: attempt 2"],
  [{ kind: "unknown" }, ""],
] as const)("the cause %j in words", (cause, text) => {
  expect(causeText(cause)).toBe(text);
});

test("D7 ages are by the clock that set the times: a daemon elsewhere may have another one", () => {
  const driver = new DashboardDriver(160, 45, { endpoint: "https://far:1" });
  const sample = { time: new Date(3_600_000), usages: [] };
  driver.act({ type: "tick", now: 0 }).act({ type: "usage", sample, details: false, now: 0 });
  expect(driver.state.clockOffset).toBe(3_600_000);
  // A little more is the way that the sample took.
  driver.act({ type: "usage", sample: { ...sample, time: new Date(3_600_900) }, details: false, now: 1000 });
  expect(driver.state.clockOffset).toBe(3_600_000);
  const local = new DashboardDriver().act({ type: "usage", sample, details: false, now: 0 });
  expect(local.state.clockOffset).toBe(0);
});
