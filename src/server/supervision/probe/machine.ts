/** What the results of a probe come to. Pure: the caller has the clock and the checks. */
import type { Probe } from "../../engine/api/policy.ts";

const defaults = { intervalMs: 10_000, timeoutMs: 5000, successThreshold: 1, failureThreshold: 3 };
const eagerIntervalMs = 1000;

export type ProbeVerdict = "unknown" | "passing" | "failing";

export interface ProbeState {
  readonly verdict: ProbeVerdict;
  /** In a row. */
  readonly successes: number;
  readonly failures: number;
  /** It has succeeded in this run: the start period is over. */
  readonly succeeded: boolean;
}

export const unprobed: ProbeState = { verdict: "unknown", successes: 0, failures: 0, succeeded: false };

/**
 * @param elapsedMs How long the run has run when the check began.
 */
export function afterCheck(probe: Probe, state: ProbeState, success: boolean, elapsedMs: number): ProbeState {
  if (success) {
    const successes = state.successes + 1;
    const passes = successes >= (probe.successThreshold ?? defaults.successThreshold);
    return { verdict: passes ? "passing" : state.verdict, successes, failures: 0, succeeded: true };
  }
  if (!state.succeeded && elapsedMs < (probe.startPeriodMs ?? 0)) {
    return { ...state, successes: 0 };
  }
  const failures = state.failures + 1;
  const fails = failures >= (probe.failureThreshold ?? defaults.failureThreshold);
  return { verdict: fails ? "failing" : state.verdict, successes: 0, failures, succeeded: state.succeeded };
}

export function timeoutMs(probe: Probe): number {
  return probe.timeoutMs ?? defaults.timeoutMs;
}

/** The time from the beginning of a check to the next one; `eager`: a readiness probe that has not succeeded yet. */
export function intervalMs(probe: Probe, eager: boolean): number {
  const interval = probe.intervalMs ?? defaults.intervalMs;
  return eager ? Math.min(interval, eagerIntervalMs) : interval;
}
