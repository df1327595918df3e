import type { ProcessInfo } from "../engine/api/process.ts";
import type { SupervisionChange } from "../engine/api/supervision.ts";
import { decideRestart } from "./restart/decide.ts";
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
    case "wait":
      return waitingChange(
        attempts,
        {
          reason: "restart",
          until: now + decision.delayMs,
          for: [],
          why: "",
          cause: forced && kept.stopping !== null ? kept.stopping.cause : causeOf("restartPolicy", ended),
          since: now,
        },
        { attempt: decision.attempt },
      );
    case "giveUp":
      return {
        supervision: { ...attempts, waiting: null, stopping: null },
        state: "givenUp",
        event: null,
        cause: causeOf("restartPolicy", ended),
      };
    case "none":
      if (schedule !== null && !stopped) {
        return waitingChange(
          attempts,
          {
            reason: "schedule",
            until: schedule.next,
            for: [schedule.name],
            why: "",
            cause: causeOf("schedule", schedule.name),
            since: now,
          },
          { schedule: schedule.name },
        );
      }
      return process.supervision === undefined
        ? null
        : {
            supervision: { ...attempts, waiting: null, stopping: null },
            state: null,
            desiredState: "stopped",
            event: null,
            cause: causeOf("exit", ended),
          };
  }
}
