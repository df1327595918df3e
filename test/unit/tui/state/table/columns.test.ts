import { expect, test } from "vitest";
import { columnsLeftOut, fittingColumns } from "../../../../../src/tui/state/table/columns.ts";
import { Counter, NO_PROCESSES } from "../../../../../src/tui/state/table/process-counts.ts";
import { SORT_KEYS, type SortKey, usefulSortKeys } from "../../../../../src/tui/state/table/sort.ts";
import { processInfo, supervisionStatus } from "../../../../support/process-info.ts";

const keys = (width: number, hidden: Parameters<typeof fittingColumns>[1] = [], sortKey?: SortKey) =>
  fittingColumns(width, hidden, sortKey).map(({ key }) => key);

test("with more room there are more columns, and none is lost again", () => {
  for (let width = 20; width < 250; width++) {
    const wider = keys(width + 1);
    expect([width, keys(width).filter((key) => !wider.includes(key))]).toEqual([width, []]);
  }
  expect(keys(37)).toEqual(["name", "state"]);
  // What repeats a part of the status comes when the command has room.
  expect(keys(200)).toHaveLength(15);
  expect(keys(228)).toHaveLength(18);
  expect(keys(119, columnsLeftOut([], NO_PROCESSES))).toHaveLength(11);
});

test("columns stand beside each other, never touch, and use all the room", () => {
  for (let width = 40; width < 250; width++) {
    const columns = fittingColumns(width, []);
    for (const [i, column] of columns.entries()) {
      const before = columns[i - 1];
      if (before) {
        expect(column.x - before.x - before.width).toBeGreaterThanOrEqual(before.right && !column.right ? 2 : 1);
      }
    }
    const last = columns.at(-1);
    expect([width, (last?.x ?? 0) + (last?.width ?? 0) <= width]).toEqual([width, true]);
    if (columns.some(({ key }) => key === "command")) {
      expect((last?.x ?? 0) + (last?.width ?? 0)).toBe(width);
    }
  }
});

test("what is hidden makes room; name and state cannot be", () => {
  expect(keys(160, ["command", "name", "state", "pid"])).toEqual([
    "name",
    "state",
    "status",
    "project",
    "restarts",
    "health",
    "schedule",
    "queue",
    "id",
    "cpu",
    "trend",
    "memory",
    "since",
    "exit",
    "run",
  ]);
});

test("the column that the table is sorted by is the last that goes", () => {
  for (const sortKey of SORT_KEYS) {
    for (let width = 52; width < 250; width++) {
      const shown = fittingColumns(width, [], sortKey).map(({ sort }) => sort);
      expect([sortKey, width, shown.includes(sortKey)]).toEqual([sortKey, width, true]);
    }
  }
  expect(keys(37, [], "restarts")).toEqual(["name", "state"]);
});

test("a column in which no process has anything is left out, and nobody is asked to sort by it", () => {
  const counter = new Counter();
  const brought = ["status", "project", "schedule", "queue", "restarts", "health", "next"];
  expect(columnsLeftOut(["pid"], counter.done())).toEqual(["pid", ...brought]);
  expect(usefulSortKeys(counter.done())).toEqual(SORT_KEYS.filter((key) => !brought.includes(key)));
  const process = processInfo("a", { supervision: supervisionStatus({ project: "shop", readiness: "ready" }) });
  counter.add(process);
  expect(columnsLeftOut(["pid"], counter.done())).toEqual(["pid", "schedule", "queue", "restarts", "next"]);
  expect(usefulSortKeys(counter.done())).toEqual(expect.arrayContaining(["project", "health"]));
  counter.remove(process);
  expect(columnsLeftOut([], counter.done())).toEqual(brought);
});
