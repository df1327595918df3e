import type { Backoff } from "../../engine/api/policy.ts";
import { seeded } from "./random.ts";

const defaults = { initialMs: 1000, maxMs: 60_000, multiplier: 2, jitter: 0.1 };

/**
 * How long to wait before an attempt, in milliseconds.
 *
 * @param attempt 1 is the first one.
 * @param seed The same seed varies the time by the same part, so that a daemon that computes it again finds the same.
 */
export function backoffMs(backoff: Backoff | undefined, attempt: number, seed: string): number {
  const initial = backoff?.initialMs ?? defaults.initialMs;
  const max = backoff?.maxMs ?? Math.max(defaults.maxMs, initial);
  const multiplier = backoff?.multiplier ?? defaults.multiplier;
  const jitter = backoff?.jitter ?? defaults.jitter;
  // The power may be Infinity, and 0 times that is no number.
  const plain = initial === 0 ? 0 : Math.min(max, initial * multiplier ** (attempt - 1));
  return Math.min(max, Math.round(plain * (1 + jitter * (2 * seeded(`${seed}/${attempt}`) - 1))));
}
