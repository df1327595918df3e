import type { MessageInitShape } from "@bufbuild/protobuf";
import type { EventSchema } from "../../../../gen/ts/pm/v1/event_pb.ts";
import {
  Health,
  Readiness,
  type SupervisionStatusSchema,
  WaitingReason,
} from "../../../../gen/ts/pm/v1/supervision_pb.ts";
import type * as engine from "../../engine/api/index.ts";
import { timestampFromNanos } from "./time.ts";

const reasonToProto = {
  restart: WaitingReason.RESTART,
  dependency: WaitingReason.DEPENDENCY,
  schedule: WaitingReason.SCHEDULE,
  queue: WaitingReason.QUEUE,
} as const satisfies Record<engine.WaitingReason, WaitingReason>;

const readinessToProto = {
  ready: Readiness.READY,
  notReady: Readiness.NOT_READY,
} as const satisfies Record<engine.Readiness, Readiness>;

const healthToProto = {
  unknown: Health.UNKNOWN,
  healthy: Health.HEALTHY,
  unhealthy: Health.UNHEALTHY,
} as const satisfies Record<engine.Health, Health>;

/** @param queuePosition While it waits in a queue; 0: it does not, or that was not asked for. */
export function supervisionToProto(
  process: engine.ProcessInfo,
  kept: engine.Supervision,
  queuePosition = 0,
): MessageInitShape<typeof SupervisionStatusSchema> {
  const waiting = process.state === "waiting" ? kept.waiting : null;
  // What probes found is of one run, and of a run that is under way.
  const lives = kept.run === process.run.number && process.run.state === "running";
  return {
    ...(waiting !== null && { waitingReason: reasonToProto[waiting.reason] }),
    waitingUntil: waiting === null ? undefined : optionalMillis(waiting.until),
    waitingFor: waiting === null ? [] : [...waiting.for],
    waitingDetail: waiting === null ? "" : waiting.why,
    attempt: kept.attempts.streak,
    maxAttempts: process.spec.policy?.restart?.maxAttempts ?? 0,
    restarts: kept.attempts.restarts,
    ...(lives && kept.readiness !== null && { readiness: readinessToProto[kept.readiness] }),
    ...(lives && kept.health !== null && { health: healthToProto[kept.health] }),
    probeMessage: kept.probeMessage,
    notifyStatus: kept.notifyStatus,
    queuePosition,
    project: kept.project,
    schedule: kept.schedule,
  };
}

export function detailToProto(
  detail: engine.SupervisionEventDetail,
): Pick<MessageInitShape<typeof EventSchema>, "attempt" | "until" | "schedule" | "queue" | "project"> {
  return {
    attempt: detail.attempt ?? undefined,
    until: optionalMillis(detail.until),
    schedule: detail.schedule,
    queue: detail.queue,
    project: detail.project,
  };
}

/** Milliseconds since the epoch; null: not known. */
export function optionalMillis(millis: number | null) {
  return millis === null ? undefined : timestampFromNanos(BigInt(Math.round(millis)) * 1_000_000n);
}
