import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProcessUsage, WatchEvent } from "../../../../../src/sdk/types.ts";
import { Counter } from "../../../../../src/tui/state/table/process-counts.ts";
import { SORT_KEYS } from "../../../../../src/tui/state/table/sort.ts";
import {
  EMPTY_TABLE,
  rearrange,
  setFilter,
  setSort,
  type TableState,
} from "../../../../../src/tui/state/table/table.ts";
import { applyUsages, applyWatchEvents } from "../../../../../src/tui/state/table/table-events.ts";
import { processInfo, supervisionStatus } from "../../../../support/process-info.ts";

const id = fc.constantFrom(..."abcdefgh");

const process = fc
  .record({
    id,
    name: fc.constantFrom("", "Web", "api", "job"),
    state: fc.constantFrom("running" as const, "exited" as const, "failed" as const, "waiting" as const),
    code: fc.constantFrom(0, 1, 28),
    run: fc.constantFrom(1, 2),
    queue: fc.constantFrom("", "builds", "mails"),
    supervision: fc.option(
      fc
        .record({
          restarts: fc.constantFrom(0, 1, 5),
          project: fc.constantFrom("", "shop"),
          schedule: fc.constantFrom("", "nightly"),
          queuePosition: fc.constantFrom(0, 1, 2),
          health: fc.constantFrom(undefined, "healthy" as const, "unhealthy" as const),
          until: fc.constantFrom(undefined, new Date(5), new Date(7)),
        })
        .map(({ health, until, ...rest }) =>
          supervisionStatus({
            ...rest,
            ...(health && { health }),
            ...(until && { waiting: { reason: "restart", until, for: [], detail: "" } }),
          }),
        ),
      { nil: undefined },
    ),
  })
  .map(({ id, code, queue, supervision, ...rest }) => {
    const process = processInfo(id, {
      ...rest,
      ...(rest.state === "exited" && { code }),
      ...(supervision && { supervision }),
    });
    return { ...process, spec: { ...process.spec, queue } };
  });

const event: fc.Arbitrary<WatchEvent> = fc.oneof(
  { weight: 6, arbitrary: process.map((process) => ({ type: "modified" as const, process })) },
  { weight: 2, arbitrary: id.map((id) => ({ type: "removed" as const, id, removal: "removed" as const })) },
  fc.constant({ type: "reset" as const }),
  fc.constant({ type: "bookmark" as const, resourceVersion: "1" }),
);

const usage: fc.Arbitrary<ProcessUsage> = fc
  .record({ id, cpuPercent: fc.constantFrom(undefined, 0, 1, 50), residentBytes: fc.constantFrom(1, 2) })
  .map(({ id, cpuPercent, residentBytes }) => ({
    id,
    run: 1,
    cpuMs: 0,
    ...(cpuPercent !== undefined && { cpuPercent }),
    residentBytes,
    descendants: 0,
    members: [],
  }));

type Step = (table: TableState) => TableState;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.array(event, { maxLength: 8 }).map(
    (events): Step =>
      (table) =>
        applyWatchEvents(table, events),
  ),
  fc.array(usage, { maxLength: 8 }).map(
    (sample): Step =>
      (table) =>
        applyUsages(table, sample),
  ),
  fc.constantFrom("", "a", "ab", "sleep", "exit:bad", "!state:run").map(
    (filter): Step =>
      (table) =>
        setFilter(table, filter),
  ),
  fc.tuple(fc.constantFrom(...SORT_KEYS), fc.boolean()).map(
    ([key, reversed]): Step =>
      (table) =>
        setSort(table, key, reversed),
  ),
);

describe("news of processes", () => {
  test("what is kept up to date is what counting, filtering and sorting anew would give", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let table = EMPTY_TABLE;
        for (const take of steps) {
          table = take(table);
          const anew = rearrange({ ...table, rows: [] });
          expect(table.rows).toEqual(anew.rows);
          expect(table.order).toEqual(anew.order);
          const counter = new Counter();
          for (const process of table.processes.values()) {
            counter.add(process);
          }
          expect(table.counts).toEqual(counter.done());
          expect(table.order[table.index] ?? null).toBe(table.selected);
          expect(table.origin === null || table.processes.has(table.origin)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  const sample = (...cpu: readonly number[]): ProcessUsage[] =>
    cpu.map((cpuPercent, i) => ({
      id: "abc"[i] ?? "",
      run: 1,
      cpuMs: 0,
      cpuPercent,
      residentBytes: 10,
      descendants: 0,
      members: [],
    }));

  const three = applyWatchEvents(EMPTY_TABLE, [
    { type: "reset" },
    ...["a", "b", "c"].map((id) => ({ type: "added" as const, process: processInfo(id, { name: id }) })),
    { type: "bookmark", resourceVersion: "1" },
  ]);

  test("the total is that of a whole sample, in however many pieces it comes", () => {
    const [a, b, c] = sample(1, 2, 3);
    let table = applyUsages(
      three,
      [a, b].flatMap((usage) => usage ?? []),
      true,
    );
    expect(table.usageTotal.processes).toBe(0);
    table = applyUsages(table, c ? [c] : []);
    expect(table.usageTotal).toEqual({ cpuPercent: 6, residentBytes: 30, processes: 3 });
    expect(applyUsages(table, sample(5)).usageTotal).toEqual({ cpuPercent: 5, residentBytes: 10, processes: 1 });
  });

  test("what a process used is forgotten when it ends, and does not come back with a late sample", () => {
    let table = applyUsages(three, sample(1, 2, 3));
    const ended = processInfo("a", { name: "a", state: "exited", code: 0 });
    table = applyWatchEvents(table, [{ type: "modified", process: ended }]);
    expect(applyUsages(table, sample(9)).usages.has("a")).toBe(false);
    // Another run begins at nothing.
    table = applyWatchEvents(table, [{ type: "modified", process: processInfo("b", { name: "b", run: 2 }) }]);
    expect([table.usages.has("b"), table.usages.has("c")]).toEqual([false, true]);
  });

  test("a difference that is not shown moves no row", () => {
    let table = applyUsages(setSort(three, "cpu", false), sample(0.01, 0.02, 0.03));
    expect(table.order).toEqual(["a", "b", "c"]);
    table = applyUsages(table, sample(0.01, 0.02, 0.3));
    expect(table.order).toEqual(["c", "a", "b"]);
  });
});
