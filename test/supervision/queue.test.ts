import { describe, expect, it } from "vitest";
import { admitted, inOrder, moved, newQueue, type Waiter } from "../../src/server/supervision/queue/order.ts";

const waiters: Waiter[] = ["a", "b", "c", "d", "e"].map((id, i) => ({ id, since: 1000 + i, sequence: i }));

describe("a queue", () => {
  it.each([
    [1, false, 0, ["a"]],
    [1, false, 1, []],
    [3, false, 1, ["a", "b"]],
    [9, false, 0, ["a", "b", "c", "d", "e"]],
    [3, true, 0, []],
    // A smaller parallelism than what runs stops nothing and lets nobody in.
    [2, false, 5, []],
  ])("of %i (paused %s) with %i running admits %o", (parallelism, paused, running, expected) => {
    expect(admitted({ ...newQueue("q"), parallelism, paused }, waiters, running)).toEqual(expected);
  });

  it("is in order of coming, and of acceptance at the same moment", () => {
    const together = [
      { id: "late", since: 5, sequence: 9 },
      { id: "early", since: 5, sequence: 2 },
      { id: "first", since: 4, sequence: 10 },
    ];
    expect(inOrder(newQueue("q"), together)).toEqual(["first", "early", "late"]);
  });

  it.each([
    ["d", 1, "dabce"],
    ["d", 2, "adbce"],
    ["a", 3, "bcade"],
    ["a", 99, "bcdea"],
    ["e", 0, "eabcd"],
  ])("moves %s to place %i", (id, position, expected) => {
    expect(inOrder(moved(newQueue("q"), waiters, id, position), waiters).join("")).toBe(expected);
  });

  it("keeps moves over moves, and lets those that come later come last", () => {
    const once = moved(newQueue("q"), waiters, "e", 1);
    const twice = moved(once, waiters, "d", 2);
    expect(inOrder(twice, waiters).join("")).toBe("edabc");
    expect(inOrder(twice, [...waiters, { id: "f", since: 1, sequence: 99 }]).join("")).toBe("edfabc");
    expect(inOrder(moved(twice, waiters, "e", 4), waiters).join("")).toBe("dabec");
  });
});
