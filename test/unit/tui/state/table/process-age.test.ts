import { expect, test } from "vitest";
import { shownTime } from "../../../../../src/tui/state/state.ts";
import { sinceTime } from "../../../../../src/tui/state/table/process-age.ts";
import { setSort } from "../../../../../src/tui/state/table/table.ts";
import { DashboardDriver } from "../../../../support/dashboard-driver.ts";
import { processInfo } from "../../../../support/process-info.ts";

const [started, ended] = [new Date(60_000), new Date(90_000)];

test.each([
  ["lives", processInfo("a", { startTime: started }), 60_000],
  ["has ended", processInfo("a", { state: "exited", code: 0, startTime: started, exitTime: ended }), 90_000],
  ["could not be started", processInfo("a", { state: "failed" }), 0],
  ["could not be started again", processInfo("a", { state: "failed", run: 2, runInfo: { createTime: ended } }), 90_000],
  ["waits", processInfo("a", { state: "waiting", lastChange: { sequence: 1, time: ended, to: "waiting" } }), 90_000],
  ["waits for its first run", processInfo("a", { state: "waiting", runInfo: null }), null],
  ["was lost", processInfo("a", { state: "lost", startTime: started }), null],
])("since when one %s", (_what, process, time) => {
  expect(sinceTime(process)).toBe(time);
});

test("sorted by it the newest change is on top, and the unknown at the end, in either direction", () => {
  const { state } = new DashboardDriver().list(
    processInfo("old", { startTime: started }),
    processInfo("lost", { state: "lost" }),
    processInfo("new", { state: "exited", code: 0, startTime: new Date(0), exitTime: ended }),
  );
  expect(setSort(state.table, "since", false).order).toEqual(["new", "old", "lost"]);
  expect(setSort(state.table, "since", true).order).toEqual(["old", "new", "lost"]);
});

test("while the connection is lost the time stands still", () => {
  const driver = new DashboardDriver().act({ type: "tick", now: 5000 });
  driver.act({ type: "disconnected", error: "refused", attempt: 1, retryAt: 0 }).act({ type: "tick", now: 9000 });
  driver.act({ type: "disconnected", error: "refused", attempt: 2, retryAt: 0 }).act({ type: "tick", now: 20_000 });
  expect([driver.state.now, shownTime(driver.state)]).toEqual([20_000, 5000]);
  driver.connect();
  expect(shownTime(driver.state)).toBe(20_000);
});
