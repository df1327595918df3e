import { describe, expect, it } from "vitest";
import type { Probe } from "../../src/server/engine/api/policy.ts";
import { afterCheck, intervalMs, timeoutMs, unprobed } from "../../src/server/supervision/probe/machine.ts";

const probe = (change: Partial<Probe>): Probe => ({
  check: { kind: "tcp", host: "", port: 80 },
  startPeriodMs: null,
  intervalMs: null,
  timeoutMs: null,
  successThreshold: null,
  failureThreshold: null,
  ...change,
});

/** Results one a second: "+" a success, "-" a failure. Verdicts: "?" unknown, "P" passing, "F" failing. */
function verdicts(given: Probe, results: string): string {
  let state = unprobed;
  return [...results]
    .map((result, second) => {
      state = afterCheck(given, state, result === "+", second * 1000);
      return { unknown: "?", passing: "P", failing: "F" }[state.verdict];
    })
    .join("");
}

describe("a probe", () => {
  it.each([
    ["defaults: one success, three failures", {}, "+--+---+", "PPPPPPFP"],
    ["failures first", {}, "----+", "??FFP"],
    ["thresholds count in a row", { successThreshold: 2, failureThreshold: 2 }, "+-++-+--", "???PPPPF"],
    ["recovery needs the success threshold", { successThreshold: 3, failureThreshold: 1 }, "-++-+++", "FFFFFFP"],
    ["failures in the start period do not count", { startPeriodMs: 4000, failureThreshold: 1 }, "-----", "????F"],
    ["a success ends the start period", { startPeriodMs: 9000, failureThreshold: 2 }, "-+--", "?PPF"],
    ["a start period does not carry failures over", { startPeriodMs: 2000, failureThreshold: 3 }, "-----", "????F"],
    [
      "a failure in the start period breaks a row of successes",
      { startPeriodMs: 9000, successThreshold: 2 },
      "-+-+",
      "????",
    ],
  ])("%s", (_, change, results, expected) => {
    expect(verdicts(probe(change), results)).toBe(expected);
  });

  it("is eager until it succeeds, and never slower than its interval", () => {
    expect(intervalMs(probe({}), true)).toBe(1000);
    expect(intervalMs(probe({}), false)).toBe(10_000);
    expect(intervalMs(probe({ intervalMs: 200 }), true)).toBe(200);
    expect(timeoutMs(probe({}))).toBe(5000);
  });
});
