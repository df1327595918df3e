import { describe, expect, test } from "vitest";
import { PersistentMap } from "../../../../../src/tui/state/table/persistent-map.ts";
import {
  cpuTrendText,
  knownTrends,
  memoryTrendText,
  recordTrends,
  type Trend,
  trendCells,
} from "../../../../../src/tui/state/table/trend.ts";

function usage(id: string, cpuPercent: number, residentBytes = 0) {
  return { id, run: 1, cpuMs: 0, cpuPercent, residentBytes, descendants: 0, members: [] };
}

/** One sample a second, from `begin` on. */
function trendOf(cpu: readonly number[], begin = 0): Trend {
  let trends = new PersistentMap<Trend>();
  for (const [i, percent] of cpu.entries()) {
    trends = recordTrends(trends, [usage("a", percent, percent)], 1000 * (begin + i), () => true);
  }
  const trend = trends.get("a");
  if (!trend) {
    throw new Error("no trend");
  }
  return trend;
}

describe("a trend", () => {
  test("shows each second while there are few, then the most of longer times", () => {
    expect(trendCells(trendOf([1, 2, 3]), 5, "cpu")).toEqual([null, null, 1, 2, 3]);
    expect(trendCells(trendOf([1, 9, 3, 4, 5, 6]), 4, "cpu")).toEqual([null, 9, 4, 6]);
  });

  test("holds ten minutes, of which every second counts", () => {
    const cpu = Array.from({ length: 1500 }, () => 1);
    cpu[700] = 50;
    cpu[1000] = 99;
    const cells = trendCells(trendOf(cpu), 16, "cpu");
    expect(cells.filter((value) => value === 99)).toHaveLength(1);
    // That was longer ago.
    expect(cells).not.toContain(50);
    expect(cells.filter((value) => value !== null).length).toBeGreaterThanOrEqual(10);
  });

  test("what was not seen is left blank", () => {
    let trends = recordTrends(new PersistentMap<Trend>(), [usage("a", 5)], 0, () => true);
    trends = recordTrends(trends, [usage("a", 6)], 4000, () => true);
    const trend = trends.get("a");
    expect(trend && trendCells(trend, 8, "cpu")).toEqual([null, null, null, 5, null, null, null, 6]);
    expect(trend && cpuTrendText(trend, 8)).toBe("   ▄   ▅");
  });

  test("cells that stand for longer times do not change while one of them lasts", () => {
    const cpu = Array.from({ length: 700 }, (_, i) => (i % 37) + 1);
    const before = trendCells(trendOf(cpu.slice(0, 600)), 10, "cpu");
    const after = trendCells(trendOf(cpu.slice(0, 601)), 10, "cpu");
    // A minute later all have moved by one.
    const moved = trendCells(trendOf(cpu.slice(0, 660)), 10, "cpu");
    expect(after.slice(0, 8)).toEqual(before.slice(1, 9));
    expect(moved.slice(1, 8)).toEqual(after.slice(1, 8));
  });

  test("memory that is steady is a low line", () => {
    expect(memoryTrendText(trendOf([100, 100, 100]), 3)).toBe("▁▁▁");
    expect(memoryTrendText(trendOf([100, 105, 110]), 3)).toBe("▁▄█");
  });

  test("only what is wanted is kept, no more than a thousand of them, and nothing of what is gone", () => {
    let trends = new PersistentMap<Trend>();
    trends = recordTrends(trends, [usage("a", 1), usage("b", 1)], 0, (id) => id === "b");
    expect([trends.has("a"), trends.has("b")]).toEqual([false, true]);
    for (let i = 0; i < 1500; i++) {
      trends = recordTrends(trends, [usage(`p${i}`, 1)], i, () => true);
    }
    expect(trends.size).toBeLessThanOrEqual(1000);
    expect([trends.has("p0"), trends.has("p1499")]).toEqual([false, true]);
    expect([...knownTrends(trends, (id) => id === "p1499").values()].map(({ id }) => id)).toEqual(["p1499"]);
  });
});
