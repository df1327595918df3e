import { expect, test } from "vitest";
import type { ProcessState } from "../../../../src/sdk/types.ts";
import { tallyAt, tallyLook } from "../../../../src/tui/state/tallies.ts";
import { DashboardDriver } from "../../../support/dashboard-driver.ts";
import { processInfo } from "../../../support/process-info.ts";

const STATES: readonly ProcessState[] = ["running", "waiting", "givenUp", "failed", "lost"];

function header(columns: number) {
  return new DashboardDriver(columns, 24).list(
    ...STATES.map((state, i) => processInfo(`id-${i}`, { name: `p${i}`, state, runInfo: { treeAlive: false } })),
  ).state;
}

test("the header's numbers keep their words as long as these fit, and are clicked where they stand", () => {
  // "● 1 running", "◔ 1 waiting", "✗ 1 failed", "✗ 1 lost", "⊘ 1 given up" are 52 cells,
  // " ! 3 not seen " is 14, "cpu 0.0% mem 0B" 15.
  expect(tallyLook(header(120))).toEqual({ words: true, gap: 3 });
  expect(tallyLook(header(100))).toEqual({ words: true, gap: 3 });
  expect(tallyLook(header(99))).toEqual({ words: true, gap: 2 });
  expect(tallyLook(header(90))).toEqual({ words: true, gap: 1 });
  expect(tallyLook(header(89))).toEqual({ words: false, gap: 1 });
  for (const columns of [120, 99, 90, 60]) {
    const state = header(columns);
    const found = Array.from({ length: columns }, (_, x) => tallyAt(state, x)?.label);
    expect([...new Set(found)].filter(Boolean)).toEqual(["running", "waiting", "failed", "lost", "given up"]);
    expect([found[0], found[1]]).toEqual([undefined, "running"]);
  }
});
