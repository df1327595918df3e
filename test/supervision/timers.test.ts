import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Timers } from "../../src/server/supervision/timers.ts";

function fail(error: unknown): void {
  throw error;
}

describe("timers", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("run each in its time, in order, whatever order they were set in", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 1000 })), { maxLength: 200 }), (given) => {
        const timers = new Timers(fail);
        const ran: [string, number][] = [];
        const start = performance.now();
        const last = new Map<string, number>();
        for (const [key, delay] of given) {
          last.set(`k${key}`, delay);
          timers.set(`k${key}`, delay, () => ran.push([`k${key}`, performance.now() - start]));
        }
        vi.advanceTimersByTime(1001);
        expect(ran.toSorted()).toEqual([...last].toSorted());
        expect(ran.map(([, time]) => time)).toEqual([...last.values()].sort((a, b) => a - b));
        timers.close();
      }),
    );
  });

  it("keep little of what was set again and again, or cleared", () => {
    const timers = new Timers(fail);
    for (let i = 0; i < 100_000; i++) {
      timers.set("same", 3_600_000 + i, () => undefined);
      timers.set(`other ${i}`, 3_600_000, () => undefined);
      timers.clear(`other ${i}`);
    }
    expect(timers.size).toBe(1);
    expect(timers.kept).toBeLessThanOrEqual(65);
  });

  it("can be set for longer than the system's can", () => {
    const timers = new Timers(fail);
    const run = vi.fn();
    timers.set("far", 40 * 86_400_000, run);
    vi.advanceTimersByTime(40 * 86_400_000 - 1);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
  });

  it("go on when one of them throws", () => {
    const problems: unknown[] = [];
    const timers = new Timers((error) => problems.push(error));
    const run = vi.fn();
    timers.set("bad", 5, () => fail("broken"));
    timers.set("good", 5, run);
    vi.advanceTimersByTime(5);
    expect([problems, run.mock.calls.length]).toEqual([["broken"], 1]);
  });

  it("may be set and cleared by each other, and run no more once closed", () => {
    const timers = new Timers(fail);
    const ran: string[] = [];
    timers.set("a", 10, () => {
      ran.push("a");
      timers.clear("b");
      timers.set("c", 0, () => ran.push("c"));
    });
    timers.set("b", 10, () => ran.push("b"));
    vi.advanceTimersByTime(20);
    expect(ran).toEqual(["a", "c"]);
    timers.set("d", 5, () => ran.push("d"));
    timers.close();
    timers.set("e", 5, () => ran.push("e"));
    vi.advanceTimersByTime(100);
    expect(ran).toEqual(["a", "c"]);
  });
});
