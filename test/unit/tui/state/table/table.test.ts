import { describe, expect, test } from "vitest";
import type { ProcessState } from "../../../../../src/sdk/types.ts";
import {
  EMPTY_TABLE,
  largestFirst,
  moveSelection,
  nextSort,
  scrollIntoView,
  selectId,
  setFilter,
  setSort,
  type TableState,
  targets,
  toggleAllMarks,
  toggleMark,
} from "../../../../../src/tui/state/table/table.ts";
import { applyUsages, applyWatchEvents } from "../../../../../src/tui/state/table/table-events.ts";
import { processInfo, supervisionStatus } from "../../../../support/process-info.ts";

function tableOf(...names: string[]): TableState {
  return applyWatchEvents(EMPTY_TABLE, [
    { type: "reset" },
    ...names.map((name) => ({ type: "added" as const, process: processInfo(name, { name }) })),
    { type: "bookmark", resourceVersion: "1" },
  ]);
}

function usage(id: string, cpuPercent: number, residentBytes = 0) {
  return { id, run: 1, cpuMs: 0, cpuPercent, residentBytes, descendants: 0, members: [] };
}

describe("the process table", () => {
  test("is sorted by name, and the selection follows the process, never the row", () => {
    let table = tableOf("delta", "bravo", "charlie");
    expect(table.order).toEqual(["bravo", "charlie", "delta"]);
    table = selectId(table, "charlie");
    table = applyWatchEvents(table, [{ type: "added", process: processInfo("alpha", { name: "alpha" }) }]);
    expect(table.order).toEqual(["alpha", "bravo", "charlie", "delta"]);
    expect([table.selected, table.index]).toEqual(["charlie", 2]);
    table = setSort(table, "name", true);
    expect([table.selected, table.index]).toEqual(["charlie", 1]);
  });

  test("what takes the place of a removed process is selected", () => {
    let table = selectId(tableOf("a", "b", "c"), "b");
    table = applyWatchEvents(table, [{ type: "removed", id: "b", removal: "removed" }]);
    expect(table.selected).toBe("c");
    table = applyWatchEvents(table, [{ type: "removed", id: "c", removal: "removed" }]);
    expect(table.selected).toBe("a");
  });

  test("a watch that begins anew takes the place of the old list only when it is whole", () => {
    let table = selectId(tableOf("a", "b"), "b");
    table = applyWatchEvents(table, [{ type: "reset" }]);
    expect(table.order).toEqual(["a", "b"]);
    table = applyWatchEvents(table, [{ type: "added", process: processInfo("b", { name: "b" }) }]);
    expect(table.processes.size).toBe(2);
    table = applyWatchEvents(table, [{ type: "bookmark", resourceVersion: "2" }]);
    expect(table.order).toEqual(["b"]);
    expect(table.selected).toBe("b");
  });

  test("a change that does not matter for the order keeps it", () => {
    const table = tableOf("a", "b");
    const next = applyWatchEvents(table, [
      { type: "modified", process: processInfo("a", { name: "a", state: "exited" }) },
    ]);
    expect(next.order).toBe(table.order);
    expect(next.processes.get("a")?.state).toBe("exited");
  });

  test("sorts by usage, the most first, as samples come", () => {
    let table = setSort(tableOf("a", "b", "c"), "cpu", false);
    table = applyUsages(table, [usage("a", 1), usage("b", 50), usage("c", 7)]);
    expect(table.order).toEqual(["b", "c", "a"]);
    expect(setSort(table, "memory", false).sortKey).toBe("memory");
    expect(nextSort(table).sortKey).toBe("memory");
  });

  test.each([
    ["restarts", false, ["c", "b", "d", "a"]],
    ["health", false, ["c", "d", "b", "a"]],
    ["next", false, ["d", "b", "a", "c"]],
    ["project", false, ["d", "b", "a", "c"]],
    ["schedule", false, ["b", "a", "c", "d"]],
    ["queue", false, ["b", "d", "a", "c"]],
    ["queue", true, ["a", "d", "b", "c"]],
  ] as const)("sorts by %s (reversed: %j), what has none at the end", (key, reversed, ids) => {
    const waits = (time: number) => ({ reason: "restart", until: new Date(time), for: [], detail: "" }) as const;
    const supervised = (
      id: string,
      queue: string,
      state: ProcessState,
      supervision: Parameters<typeof supervisionStatus>[0],
    ) => {
      const process = processInfo(id, { name: id, state, supervision: supervisionStatus(supervision) });
      return { ...process, spec: { ...process.spec, queue } };
    };
    const table = applyWatchEvents(EMPTY_TABLE, [
      { type: "reset" },
      ...[
        supervised("a", "mails", "running", {}),
        supervised("b", "builds-2", "waiting", {
          restarts: 2,
          readiness: "ready",
          waiting: waits(9),
          project: "web-10",
          schedule: "nightly",
        }),
        supervised("c", "", "running", { restarts: 11, health: "unhealthy", waiting: waits(1) }),
        supervised("d", "builds-10", "waiting", {
          restarts: 1,
          readiness: "notReady",
          waiting: waits(8),
          project: "web-9",
        }),
      ].map((process) => ({ type: "added" as const, process })),
      { type: "bookmark", resourceVersion: "1" },
    ]);
    expect(setSort(table, key, reversed).order).toEqual(ids);
  });

  test("the next column to sort by is one in which some process has something", () => {
    const sorted = (table: TableState): readonly string[] => {
      const keys: string[] = [];
      for (let next = nextSort(table); next.sortKey !== "name"; next = nextSort(next)) {
        keys.push(next.sortKey);
      }
      return keys;
    };
    const plain = ["state", "cpu", "memory", "since", "pid", "exit", "command", "run"];
    expect(sorted(tableOf("a"))).toEqual(plain);
    const process = processInfo("a", { supervision: supervisionStatus({ restarts: 1, project: "shop" }) });
    const table = applyWatchEvents(tableOf("a"), [{ type: "modified", process }]);
    expect(sorted(table)).toEqual([...plain, "restarts", "project"]);
    // What it is sorted by may go from all of them meanwhile.
    expect(nextSort(setSort(tableOf("a"), "restarts", false)).sortKey).toBe("name");
  });

  test("a first sample does not blank a percentage that is known", () => {
    let table = applyUsages(tableOf("a"), [usage("a", 33)]);
    const { cpuPercent: _, ...first } = usage("a", 0);
    table = applyUsages(table, [first]);
    expect(table.usages.get("a")?.cpuPercent).toBe(33);
  });

  test("what the filter hides is selected again when it comes back, unless another one was chosen", () => {
    const table = selectId(tableOf("api", "job", "web"), "web");
    const filtered = setFilter(table, "job");
    expect([filtered.selected, setFilter(filtered, "").selected]).toEqual(["job", "web"]);
    expect(setFilter(setFilter(filtered, "nothing fits"), "").selected).toBe("web");
    const chosen = moveSelection(setFilter(table, "!web"), 1);
    expect(setFilter(chosen, "").selected).toBe(chosen.selected);
  });

  test("the best match is on top and selected, whatever was selected before; with Esc that is back", () => {
    const names = ["svx-1", "svx-2", "svx-10", "svx-12", "svx-20", "svx-21", "svx-22"];
    const table = selectId(tableOf(...names.toReversed()), "svx-22");
    expect(table.order).toEqual(names);
    const filtered = setFilter(table, "svx-1");
    expect(filtered.order).toEqual(["svx-1", "svx-10", "svx-12", "svx-21"]);
    expect([filtered.selected, filtered.index]).toEqual(["svx-1", 0]);
    // What was selected fits no worse than the best: it stays.
    expect(setFilter(table, "svx-2").selected).toBe("svx-2");
    expect(setFilter(table, "svx").selected).toBe("svx-22");
    expect(setFilter(filtered, "").selected).toBe("svx-22");
    // News do not move it back to what was selected before, although that fits, too.
    const displaced = setFilter(selectId(table, "svx-21"), "svx-1");
    const news = applyWatchEvents(displaced, [{ type: "added", process: processInfo("svx-100", { name: "svx-100" }) }]);
    expect([news.selected, setFilter(news, "").selected]).toEqual(["svx-1", "svx-21"]);
  });

  test("D1 of several of one name the one that has not ended is selected, else the one started last", () => {
    const named = (id: string, state: ProcessState, sequence: number) => ({
      ...processInfo(id, { name: "web", state, ...(state === "exited" && { code: 0 }) }),
      sequence,
    });
    const tableWith = (...processes: readonly ReturnType<typeof named>[]): TableState =>
      applyWatchEvents(
        tableOf("api"),
        processes.map((process) => ({ type: "added" as const, process })),
      );
    const old = named("a", "exited", 1);
    const last = named("b", "exited", 3);
    expect(setFilter(tableWith(old, named("c", "running", 2), last), "web").selected).toBe("c");
    expect(setFilter(tableWith(old, last), "web").selected).toBe("b");
    expect(setFilter(tableWith(old, last), "we").selected).toBe("b");
    // The others are not of its name.
    expect(setFilter(tableWith(old), "a").selected).toBe("api");
  });

  test("whoever sorts by something else than the name sees that order, with the best match selected", () => {
    const sorted = setSort(tableOf("x-web", "web", "web-2"), "cpu", false);
    const table = setFilter(applyUsages(sorted, [usage("x-web", 9), usage("web-2", 5), usage("web", 1)]), "web");
    expect([table.order, table.selected]).toEqual([["x-web", "web-2", "web"], "web"]);
  });

  test("the arrow tells whether the largest is on top", () => {
    const table = tableOf("a");
    expect(largestFirst(setSort(table, "cpu", false))).toBe(true);
    expect(largestFirst(setSort(table, "cpu", true))).toBe(false);
    expect(largestFirst(setSort(table, "name", false))).toBe(false);
    expect(largestFirst(setSort(table, "name", true))).toBe(true);
  });

  test("marks: one, all that the filter shows, none; actions are about them", () => {
    let table = toggleMark(tableOf("a1", "a2", "b1"));
    expect(targets(table).map(({ id }) => id)).toEqual(["a1"]);
    expect(table.selected).toBe("a2");
    table = toggleAllMarks(setFilter(table, "a"));
    expect([...table.marks].sort()).toEqual(["a1", "a2"]);
    table = toggleAllMarks(table);
    expect(table.marks.size).toBe(0);
    expect(targets(table).map(({ id }) => id)).toEqual(["a2"]);
    table = applyWatchEvents(toggleMark(table), [{ type: "removed", id: "a2", removal: "removed" }]);
    expect(table.marks.size).toBe(0);
  });

  test("the selected row is scrolled into view", () => {
    let table = tableOf(...Array.from({ length: 100 }, (_, i) => `p${String(i).padStart(3, "0")}`));
    table = scrollIntoView(moveSelection(table, 50), 10);
    expect(table.top).toBe(41);
    table = scrollIntoView(moveSelection(table, -20), 10);
    expect(table.top).toBe(30);
    table = scrollIntoView(setFilter(table, "~^p00"), 10);
    expect(table.top).toBe(0);
  });

  test("10,000 processes: only what has changed is made anew", () => {
    const before = setSort(tableOf(...Array.from({ length: 10_000 }, (_, i) => `process-${i}`)), "cpu", false);
    const sampled = applyUsages(
      before,
      Array.from({ length: 10_000 }, (_, i) => usage(`process-${i}`, i === 7777 ? 50 : 0)),
    );
    expect(sampled.order[0]).toBe("process-7777");
    const again = applyUsages(sampled, [usage("process-5555", 60), usage("process-7777", 50)]);
    expect(again.order.slice(0, 2)).toEqual(["process-5555", "process-7777"]);
    const known = new Set(sampled.rows);
    expect(again.rows.filter((row) => !known.has(row)).map(({ id }) => id)).toEqual(["process-5555"]);
  });
});
