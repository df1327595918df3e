import type { RestartPolicy } from "../../engine/api/policy.ts";
import type { AttemptHistory } from "../../engine/api/supervision.ts";
import { backoffMs } from "./backoff.ts";

const defaultStableMs = 10_000;

/** How a run ended, as far as the restart policy is concerned. */
export interface EndedRun {
  /** It ended with a success code, and nothing of supervision stopped it. */
  readonly success: boolean;
  /** Somebody asked to stop it, or it is meant to be stopped. */
  readonly stopped: boolean;
  /** How long the main process ran; 0 for one that never began. */
  readonly durationMs: number;
}

export type RestartDecision =
  /** It stays as it ended. */
  | { readonly kind: "none"; readonly history: AttemptHistory }
  | {
      readonly kind: "wait";
      readonly delayMs: number;
      /** 1 is the first one after a stable run. */
      readonly attempt: number;
      readonly history: AttemptHistory;
    }
  | { readonly kind: "giveUp"; readonly history: AttemptHistory };

/**
 * What the restart policy makes of a run that has ended. Pure.
 *
 * @param now Milliseconds since the epoch. Attempts that lie after it, since the clock was set back, count as made now.
 * @param seed Varies the backoff: the process's UUID and the run's number.
 */
export function decideRestart(
  policy: RestartPolicy | null,
  history: AttemptHistory,
  run: EndedRun,
  now: number,
  seed: string,
): RestartDecision {
  const stable = run.durationMs >= (policy?.stableMs ?? defaultStableMs);
  const windowMs = policy?.windowMs ?? null;
  const times = history.times
    .map((time) => Math.min(time, now))
    .filter((time) => (windowMs === null ? !stable : now - time < windowMs));
  const known: AttemptHistory = { streak: stable ? 0 : history.streak, times, restarts: history.restarts };
  if (run.stopped || !restarts(policy, run.success)) {
    return { kind: "none", history: known };
  }
  const maxAttempts = policy?.maxAttempts ?? null;
  if (isEnough(policy, known.streak, times.length)) {
    return { kind: "giveUp", history: known };
  }
  const attempt = known.streak + 1;
  return {
    kind: "wait",
    delayMs: backoffMs(policy?.backoff, attempt, seed),
    attempt,
    history: {
      streak: attempt,
      // Nothing counts them without a bound, and a crash loop may last for months.
      times: maxAttempts === null ? [] : [...times, now].slice(-maxAttempts),
      restarts: history.restarts + 1,
    },
  };
}

/**
 * What the restart policy, which may have been changed since, makes of an
 * attempt that is waited for and counted already: another time, none, or giving
 * up. Pure, and the same again for the same policy. The delay counts from when
 * the waiting began.
 *
 * @param success Of the run that ended, as in `EndedRun`.
 * @param now Milliseconds since the epoch.
 * @param seed As for `decideRestart` of the run that ended.
 */
export function redecideRestart(
  policy: RestartPolicy | null,
  history: AttemptHistory,
  success: boolean,
  now: number,
  seed: string,
): RestartDecision {
  const attempt = Math.max(1, history.streak);
  const made: AttemptHistory = {
    streak: attempt - 1,
    times: history.times.slice(0, -1),
    restarts: Math.max(0, history.restarts - 1),
  };
  if (!restarts(policy, success)) {
    return { kind: "none", history: made };
  }
  const windowMs = policy?.windowMs ?? null;
  const times = made.times.filter((time) => windowMs === null || now - time < windowMs);
  if (isEnough(policy, made.streak, times.length)) {
    return { kind: "giveUp", history: made };
  }
  return { kind: "wait", delayMs: backoffMs(policy?.backoff, attempt, seed), attempt, history };
}

/**
 * Whether so many attempts were made that no more may be. Without a bound
 * nobody keeps when they were, but those in a row are known in any case.
 */
function isEnough(policy: RestartPolicy | null, inARow: number, withinWindow: number): boolean {
  const { maxAttempts = null, windowMs = null } = policy ?? {};
  return maxAttempts !== null && (windowMs === null ? inARow : withinWindow) >= maxAttempts;
}

function restarts(policy: RestartPolicy | null, success: boolean): boolean {
  switch (policy?.mode ?? "no") {
    case "no":
      return false;
    case "onFailure":
      return !success;
    case "unlessStopped":
    case "always":
      return true;
  }
}

/** Whether the process is started at a boot of the machine. */
export function startsAtBoot(policy: RestartPolicy | null, meantToRun: boolean): boolean {
  return policy?.mode === "always" || (policy?.mode === "unlessStopped" && meantToRun);
}

/** Whether a process is kept on disk for the next boot. */
export function outlivesBoot(policy: RestartPolicy | null): boolean {
  return policy?.mode === "always" || policy?.mode === "unlessStopped";
}
