import { expect, test } from "vitest";
import type { ProcessState } from "../../../../src/sdk/types.ts";
import { tallyAt, tallyLook, usageScope } from "../../../../src/tui/state/tallies.ts";
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
  // " ! 3 not seen " is 14, what is used takes 19 at least, and there is a blank at either end.
  expect(tallyLook(header(104))).toEqual({ words: true, gap: 3, apart: 2 });
  expect(tallyLook(header(103))).toEqual({ words: true, gap: 2, apart: 2 });
  expect(tallyLook(header(99))).toEqual({ words: true, gap: 2, apart: 2 });
  expect(tallyLook(header(98))).toEqual({ words: true, gap: 1, apart: 1 });
  expect(tallyLook(header(93))).toEqual({ words: true, gap: 1, apart: 1 });
  expect(tallyLook(header(92))).toEqual({ words: false, gap: 1, apart: 1 });
  for (const columns of [120, 99, 93, 60]) {
    const state = header(columns);
    const found = Array.from({ length: columns }, (_, x) => tallyAt(state, x)?.label);
    expect([...new Set(found)].filter(Boolean)).toEqual(["running", "waiting", "failed", "lost", "given up"]);
    expect([found[0], found[1]]).toEqual([undefined, "running"]);
  }
});

test("words do not come and go with a digit of what is used, and give way to more", () => {
  const look = (cpuPercent: number, residentBytes: number) => {
    const state = header(93);
    return tallyLook({ ...state, table: { ...state.table, usageTotal: { processes: 5, cpuPercent, residentBytes } } });
  };
  const words = { words: true, gap: 1, apart: 1 };
  expect(look(0, 0)).toEqual(words);
  expect(look(9.9, 9.9 * 2 ** 20)).toEqual(words);
  expect(look(10.1, 18.8 * 2 ** 20)).toEqual(words);
  expect(look(1000, 18.8 * 2 ** 20)).toEqual(words);
  expect(look(10_000, 18.8 * 2 ** 20)).toEqual({ ...words, words: false });
});

test("what is used is said to be of a part only where a part is asked for", () => {
  const many = (count: number) =>
    new DashboardDriver().list(...Array.from({ length: count }, (_, i) => processInfo(`id-${i}`, { name: `p${i}` })))
      .state.table;
  // Before the first sample, and with one that began after it.
  expect(usageScope(many(3))).toBe("");
  expect(usageScope({ ...many(3), usageTotal: { processes: 2, cpuPercent: 0, residentBytes: 0 } })).toBe("");
  const table = { ...many(1000), usageTotal: { processes: 30, cpuPercent: 0, residentBytes: 0 } };
  expect(usageScope(table)).toBe(" · only 30 of 1000, those in view");
  expect(usageScope({ ...table, sortKey: "cpu" })).toBe("");
});
