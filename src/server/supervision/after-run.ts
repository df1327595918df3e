import type { Cause, CauseKind } from "../engine/api/cause.ts";
import type { ProcessInfo } from "../engine/api/process.ts";
import type { Supervision, SupervisionChange } from "../engine/api/supervision.ts";
import { decideRestart, type RestartDecision, redecideRestart } from "./restart/decide.ts";
import { describeEnd, succeeded } from "./restart/outcome.ts";
import { causeOf, keptOf, policyOf, waitingChange } from "./status.ts";

/** What is left to do for the schedule of a process. */
export interface ScheduleClaim {
  readonly name: string;
  /** A run is owed, and begins now. */
  readonly owed: boolean;
  /** When it is due next; null: not known. */
  readonly next: number | null;
}

/**
 * What becomes of a process whose run has ended. Pure. Null: nothing restarts
 * it.
 *
 * @param now Milliseconds since the epoch.
 */
export function afterRun(process: ProcessInfo, schedule: ScheduleClaim | null, now: number): SupervisionChange | null {
  const { run } = process;
  const kept = keptOf(process);
  const policy = policyOf(process);
  const ended = describeEnd(run);
  const stopped = process.desiredState === "stopped";
  const forced = kept.stopping?.run === run.number;
  const decision = decideRestart(
    policy.restart,
    kept.attempts,
    {
      success: !forced && succeeded(run, policy.successCodes),
      stopped,
      durationMs:
        run.startTime === null || run.exitTime === null ? 0 : Number((run.exitTime - run.startTime) / 1_000_000n),
    },
    now,
    `${process.id}/${run.number}`,
  );
  const attempts = { ...kept, attempts: decision.history };
  if (schedule?.owed === true && !stopped) {
    const cause = kept.stopping?.cause.kind === "schedule" ? kept.stopping.cause : causeOf("schedule", schedule.name);
    return waitingChange(
      attempts,
      { reason: "dependency", until: null, for: [], why: "", cause, since: now },
      { schedule: schedule.name },
    );
  }
  switch (decision.kind) {
    case "wait": {
      const cause = forced && kept.stopping !== null ? kept.stopping.cause : causeOf("restartPolicy", ended);
      return waitForAttempt(attempts, decision, cause, now);
    }
    case "giveUp":
      return giveUp(attempts, ended);
    case "none":
      if (process.supervision === undefined && schedule === null) {
        return null;
      }
      return rest(process, attempts, schedule, causeOf("exit", ended), now);
  }
}

/** Causes that a run only gets from the restart policy. */
const policyCauses: ReadonlySet<CauseKind> = new Set(["restartPolicy", "probe", "limit"]);

/**
 * What becomes of a process that waits since its restart policy decided so, by
 * the policy that it has now. Pure. Null: it goes on waiting as it does.
 *
 * @param now Milliseconds since the epoch.
 */
export function whileWaiting(
  process: ProcessInfo,
  schedule: ScheduleClaim | null,
  now: number,
): SupervisionChange | null {
  const kept = keptOf(process);
  const { waiting } = kept;
  if (process.state !== "waiting" || waiting === null || !policyCauses.has(waiting.cause.kind)) {
    return null;
  }
  const { run } = process;
  const policy = policyOf(process);
  const decision = redecideRestart(
    policy.restart,
    kept.attempts,
    waiting.cause.kind === "restartPolicy" && succeeded(run, policy.successCodes),
    now,
    `${process.id}/${run.number}`,
  );
  const attempts = { ...kept, attempts: decision.history };
  switch (decision.kind) {
    case "wait": {
      // Its time had come: what it waits for now has none.
      const goesOn = waiting.reason !== "restart" || waiting.until === waiting.since + decision.delayMs;
      return goesOn ? null : waitForAttempt(attempts, decision, waiting.cause, waiting.since);
    }
    case "giveUp":
      return giveUp(attempts, describeEnd(run));
    case "none":
      return rest(process, attempts, schedule, causeOf("restartPolicy", "its restart policy was changed"), now);
  }
}

function waitForAttempt(
  kept: Supervision,
  { delayMs, attempt }: Extract<RestartDecision, { kind: "wait" }>,
  cause: Cause,
  since: number,
): SupervisionChange {
  const waiting = { reason: "restart", until: since + delayMs, for: [], why: "", cause, since } as const;
  return waitingChange(kept, waiting, { attempt });
}

function giveUp(kept: Supervision, ended: string): SupervisionChange {
  return {
    supervision: { ...kept, waiting: null, stopping: null },
    state: "givenUp",
    event: null,
    cause: causeOf("restartPolicy", ended),
  };
}

/** Its run has ended, and nothing begins another one. */
export function restingChange(process: ProcessInfo): SupervisionChange {
  return resting(keptOf(process), causeOf("exit", describeEnd(process.run)));
}

/** No restart policy begins its next run. */
function rest(
  process: ProcessInfo,
  kept: Supervision,
  schedule: ScheduleClaim | null,
  cause: Cause,
  now: number,
): SupervisionChange {
  if (schedule !== null && process.desiredState !== "stopped") {
    const { name, next: until } = schedule;
    const why = causeOf("schedule", name);
    const waiting = { reason: "schedule", until, for: [name], why: "", cause: why, since: now } as const;
    return waitingChange(kept, waiting, { schedule: name });
  }
  return resting(kept, cause);
}

function resting(kept: Supervision, cause: Cause): SupervisionChange {
  return {
    supervision: { ...kept, waiting: null, stopping: null },
    state: null,
    desiredState: "stopped",
    event: null,
    cause,
  };
}
