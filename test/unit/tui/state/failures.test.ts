import { describe, expect, test } from "vitest";
import type { ProcessInfo } from "../../../../src/sdk/types.ts";
import { newFailures } from "../../../../src/tui/state/table/failures.ts";
import { EMPTY_TABLE } from "../../../../src/tui/state/table/table.ts";
import { applyWatchEvents } from "../../../../src/tui/state/table/table-events.ts";
import { DashboardDriver } from "../../../support/dashboard-driver.ts";
import { processInfo } from "../../../support/process-info.ts";

const failed = (name: string, run = 1): ProcessInfo =>
  processInfo(`id-${name}`, { name, state: "exited", code: 1, run });

function see(driver: DashboardDriver, ...processes: ProcessInfo[]): DashboardDriver {
  return driver.act({
    type: "watch",
    now: driver.state.now,
    events: processes.map((process) => ({ type: "modified", process })),
  });
}

/** The names of what was told since the last time. */
function told(driver: DashboardDriver): string[] {
  const names = driver.effects.flatMap((effect) =>
    effect.type === "tell-failures" ? effect.processes.map(({ name = "" }) => name) : [],
  );
  driver.effects = [];
  return names;
}

describe("failures", () => {
  test("are told once, and are not seen until the cursor is on them", () => {
    const driver = see(new DashboardDriver(), failed("web"), failed("job"));
    expect([told(driver), driver.state.unseen]).toEqual([
      ["web", "job"],
      ["id-web", "id-job"],
    ]);
    see(driver, failed("web"));
    expect(told(driver)).toEqual([]);
    driver.keys("!");
    expect([driver.state.table.selected, driver.state.unseen]).toEqual(["id-web", ["id-job"]]);
    driver.keys("k");
    expect([driver.state.table.selected, driver.state.unseen]).toEqual(["id-job", []]);
  });

  test("that the filter hides are shown by !", () => {
    const driver = see(new DashboardDriver().keys("/").type("api").keys("enter"), failed("web"));
    driver.keys("!");
    expect([driver.state.table.filter, driver.state.table.selected]).toEqual(["", "id-web"]);
  });

  test("that happened while nobody was connected are told when the list is whole", () => {
    const driver = new DashboardDriver();
    driver.list(failed("api"), processInfo("id-job", { name: "job" }), failed("new"));
    expect(told(driver)).toEqual(["api", "new"]);
  });

  test("of the first list are no news", () => {
    const events = [{ type: "reset" } as const, { type: "added", process: failed("old") } as const];
    const begun = applyWatchEvents(EMPTY_TABLE, events);
    expect(newFailures(EMPTY_TABLE, begun, events)).toEqual([]);
    expect(newFailures(begun, begun, [{ type: "bookmark", resourceVersion: "1" }])).toEqual([]);
  });

  test("of a run that was killed from here are no news; of the run that comes after a restart they are", () => {
    const driver = new DashboardDriver().keys("X", "y");
    const killed = processInfo("id-api", { name: "api", state: "exited", signal: "SIGKILL" });
    driver.effects = [];
    see(driver, killed);
    expect(told(driver)).toEqual([]);
    const targets = [processInfo("id-api", { name: "api" })];
    driver.act({ type: "action-result", action: "kill", targets, failures: [], now: 0 });
    see(driver, failed("api", 2));
    expect(told(driver)).toEqual(["api"]);
  });
});
