import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RestartPolicy } from "../../src/server/engine/api/policy.ts";
import { type AttemptHistory, noAttempts } from "../../src/server/engine/api/supervision.ts";
import { backoffMs } from "../../src/server/supervision/restart/backoff.ts";
import {
  decideRestart,
  type EndedRun,
  outlivesBoot,
  redecideRestart,
  startsAtBoot,
} from "../../src/server/supervision/restart/decide.ts";
import { seeded } from "../../src/server/supervision/restart/random.ts";

const exact = { initialMs: 1000, maxMs: 8000, multiplier: 2, jitter: 0 };
const policy = (change: Partial<RestartPolicy>): RestartPolicy => ({
  mode: "always",
  maxAttempts: null,
  windowMs: null,
  backoff: exact,
  stableMs: 10_000,
  memoryBytes: null,
  ...change,
});
const crash: EndedRun = { success: false, stopped: false, durationMs: 50 };
const done: EndedRun = { success: true, stopped: false, durationMs: 50 };
const stopped: EndedRun = { success: false, stopped: true, durationMs: 50 };
const now = 1_800_000_000_000;

describe("the restart policy", () => {
  it.each([
    [null, crash, "none"],
    [policy({ mode: "no" }), crash, "none"],
    [policy({ mode: "no" }), done, "none"],
    [policy({ mode: "onFailure" }), crash, "wait"],
    [policy({ mode: "onFailure" }), done, "none"],
    [policy({ mode: "onFailure" }), stopped, "none"],
    [policy({ mode: "unlessStopped" }), crash, "wait"],
    [policy({ mode: "unlessStopped" }), done, "wait"],
    [policy({ mode: "unlessStopped" }), stopped, "none"],
    [policy({ mode: "always" }), crash, "wait"],
    [policy({ mode: "always" }), done, "wait"],
    [policy({ mode: "always" }), stopped, "none"],
    [policy({ mode: "always", maxAttempts: 0 }), crash, "giveUp"],
    [policy({ mode: "onFailure", maxAttempts: 0 }), done, "none"],
  ] as const)("%o after %o: %s", (given, run, kind) => {
    expect(decideRestart(given, noAttempts, run, now, "seed").kind).toBe(kind);
  });

  it("waits longer each time, up to the cap, and counts the attempts", () => {
    let history: AttemptHistory = noAttempts;
    const seen = Array.from({ length: 6 }, () => {
      const decision = decideRestart(policy({}), history, crash, now, "seed");
      history = decision.history;
      return decision.kind === "wait" ? [decision.attempt, decision.delayMs] : decision.kind;
    });
    expect(seen).toEqual([
      [1, 1000],
      [2, 2000],
      [3, 4000],
      [4, 8000],
      [5, 8000],
      [6, 8000],
    ]);
    expect(history).toEqual({ streak: 6, times: [], restarts: 6 });
  });

  it("gives up after as many attempts in a row as it may make", () => {
    let history: AttemptHistory = noAttempts;
    const kinds = Array.from({ length: 4 }, (_, i) => {
      const decision = decideRestart(policy({ maxAttempts: 3 }), history, crash, now + i * 5000, "seed");
      history = decision.history;
      return decision.kind;
    });
    expect(kinds).toEqual(["wait", "wait", "wait", "giveUp"]);
    expect(history.times).toHaveLength(3);
  });

  it("begins to count anew after a stable run", () => {
    const history: AttemptHistory = { streak: 3, times: [now - 9000, now - 5000, now - 2000], restarts: 3 };
    const stable = { ...crash, durationMs: 10_000 };
    expect(decideRestart(policy({ maxAttempts: 3 }), history, stable, now, "seed")).toEqual({
      kind: "wait",
      delayMs: 1000,
      attempt: 1,
      history: { streak: 1, times: [now], restarts: 4 },
    });
    const short = { ...crash, durationMs: 9999 };
    expect(decideRestart(policy({ maxAttempts: 3 }), history, short, now, "seed").kind).toBe("giveUp");
  });

  it("counts within its window whatever was stable between", () => {
    const given = policy({ maxAttempts: 2, windowMs: 60_000, stableMs: 0 });
    const within: AttemptHistory = { streak: 0, times: [now - 59_999, now - 1], restarts: 9 };
    expect(decideRestart(given, within, crash, now, "seed").kind).toBe("giveUp");
    const before: AttemptHistory = { streak: 0, times: [now - 60_000, now - 1], restarts: 9 };
    expect(decideRestart(given, before, crash, now, "seed")).toMatchObject({
      kind: "wait",
      history: { times: [now - 1, now], restarts: 10 },
    });
  });

  it("counts what a clock set back left in the future as made now", () => {
    const given = policy({ maxAttempts: 1, windowMs: 60_000 });
    const future: AttemptHistory = { streak: 1, times: [now + 3_600_000], restarts: 1 };
    const first = decideRestart(given, future, crash, now, "seed");
    expect(first).toMatchObject({ kind: "giveUp", history: { times: [now] } });
    expect(decideRestart(given, first.history, crash, now + 60_000, "seed").kind).toBe("wait");
  });

  it("remembers no more after 100,000 crashes than its bound", () => {
    let history: AttemptHistory = noAttempts;
    for (let i = 0; i < 100_000; i++) {
      history = decideRestart(policy({ maxAttempts: 5, windowMs: 1000 }), history, crash, now + i * 1000, "s").history;
    }
    expect(history.times.length).toBeLessThanOrEqual(5);
    expect(history.restarts).toBe(100_000);
  });

  /** The fourth attempt in a row is waited for; the two before it are ten and twenty minutes old. */
  const fourth: AttemptHistory = { streak: 4, times: [now - 1_200_000, now - 600_000, now], restarts: 4 };
  const three = { streak: 3, times: [now - 1_200_000, now - 600_000], restarts: 3 };
  it.each([
    ["the same", policy({}), false, { kind: "wait", delayMs: 8000, attempt: 4, history: fourth }],
    [
      "another backoff",
      policy({ backoff: { ...exact, multiplier: 1 } }),
      false,
      { kind: "wait", delayMs: 1000, attempt: 4, history: fourth },
    ],
    ["none", null, false, { kind: "none", history: three }],
    ["no", policy({ mode: "no" }), false, { kind: "none", history: three }],
    ["on failure, after a success", policy({ mode: "onFailure" }), true, { kind: "none", history: three }],
    ["on failure, after a failure", policy({ mode: "onFailure" }), false, { kind: "wait" }],
    ["as many attempts as were made", policy({ maxAttempts: 3 }), false, { kind: "giveUp", history: three }],
    ["one more", policy({ maxAttempts: 4 }), false, { kind: "wait" }],
    ["none that may be made", policy({ maxAttempts: 0 }), false, { kind: "giveUp" }],
    ["one in a window that has one", policy({ maxAttempts: 1, windowMs: 900_000 }), false, { kind: "giveUp" }],
    ["one in a window that has none", policy({ maxAttempts: 1, windowMs: 300_000 }), false, { kind: "wait" }],
  ] as const)("that is %s while an attempt is waited for decides about it", (_, given, success, expected) => {
    expect(redecideRestart(given, fourth, success, now, "seed")).toMatchObject(expected);
  });

  it("decides the same again while it waits, whatever it is", () => {
    const someHistory = fc.record({
      streak: fc.nat(12),
      times: fc.constant<readonly number[]>([]),
      restarts: fc.constant(20),
    });
    const somePolicy = fc.record({
      mode: fc.constantFrom("onFailure", "unlessStopped", "always"),
      maxAttempts: fc.option(fc.nat(12)),
      windowMs: fc.option(fc.integer({ min: 1, max: 100_000 })),
      stableMs: fc.constantFrom(null, 10, 1000),
    });
    fc.assert(
      fc.property(someHistory, somePolicy, fc.array(fc.nat(20_000), { maxLength: 12 }), (before, change, steps) => {
        const given = policy(change as Partial<RestartPolicy>);
        let time = now;
        let history: AttemptHistory = before;
        for (const step of steps) {
          time += step;
          const decision = decideRestart(given, history, crash, time, "seed");
          if (decision.kind !== "wait") {
            return;
          }
          for (const later of [0, 1, 100_000]) {
            expect(redecideRestart(given, decision.history, false, time + later, "seed")).toEqual(decision);
          }
          history = decision.history;
        }
      }),
    );
  });

  it("says what starts at a boot", () => {
    const modes = ["no", "onFailure", "unlessStopped", "always"] as const;
    expect(modes.map((mode) => startsAtBoot(policy({ mode }), true))).toEqual([false, false, true, true]);
    expect(modes.map((mode) => startsAtBoot(policy({ mode }), false))).toEqual([false, false, false, true]);
    expect(modes.map((mode) => outlivesBoot(policy({ mode })))).toEqual([false, false, true, true]);
  });
});

describe("the backoff", () => {
  it("is what the contract says without a word of the spec", () => {
    const means = [1, 2, 3, 7, 8].map((attempt) => backoffMs({ ...none, jitter: 0 }, attempt, "x"));
    expect(means).toEqual([1000, 2000, 4000, 60_000, 60_000]);
  });

  it("raises the default cap to an initial time that is longer", () => {
    expect(backoffMs({ ...none, initialMs: 300_000, jitter: 0 }, 1, "x")).toBe(300_000);
  });

  it("stays a number after any number of attempts", () => {
    expect(backoffMs({ initialMs: 0, maxMs: 1000, multiplier: 100, jitter: 0.5 }, 1000, "x")).toBe(0);
    expect(backoffMs({ initialMs: 1, maxMs: 1000, multiplier: 100, jitter: 0 }, 100_000, "x")).toBe(1000);
  });

  it("varies within its jitter, the same for the same seed", () => {
    fc.assert(
      fc.property(
        fc.uuid(),
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (id, attempt, jitter) => {
          const given = { initialMs: 1000, maxMs: 60_000, multiplier: 1, jitter };
          const delay = backoffMs(given, attempt, id);
          expect(delay).toBe(backoffMs(given, attempt, id));
          expect(delay).toBeGreaterThanOrEqual(Math.floor(1000 * (1 - jitter)));
          expect(delay).toBeLessThanOrEqual(Math.ceil(1000 * (1 + jitter)));
        },
      ),
    );
  });

  it("spreads what failed together evenly", () => {
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const tenth = Math.floor(seeded(`process-${i}/1`) * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // 1000 each, with a standard deviation of 30.
    expect(Math.min(...tenths)).toBeGreaterThan(850);
    expect(Math.max(...tenths)).toBeLessThan(1150);
  });
});

const none = { initialMs: null, maxMs: null, multiplier: null, jitter: null };
