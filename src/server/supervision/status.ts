/** What supervision keeps with a process, and how it changes. Pure. */
import type { Cause, CauseKind } from "../engine/api/cause.ts";
import type { SupervisionPolicy } from "../engine/api/policy.ts";
import type { ProcessInfo } from "../engine/api/process.ts";
import {
  nothingKept,
  type Supervision,
  type SupervisionChange,
  type SupervisionEventDetail,
  type SupervisionEventType,
  type Waiting,
} from "../engine/api/supervision.ts";
import { emptyPolicy } from "./project/changes.ts";

export function keptOf(process: ProcessInfo): Supervision {
  return process.supervision ?? nothingKept;
}

export function policyOf(process: ProcessInfo): SupervisionPolicy {
  return process.spec.policy ?? emptyPolicy;
}

export function causeOf(kind: CauseKind, detail: string, by: Partial<Cause> = {}): Cause {
  return { kind, principal: by.principal ?? "", requestId: by.requestId ?? "", detail };
}

/** As it is when a run begins. */
export function forRun(kept: Supervision, run: number, policy: SupervisionPolicy): Supervision {
  return {
    ...kept,
    waiting: null,
    run,
    readiness: policy.readiness === null ? null : "notReady",
    health: policy.liveness === null ? null : "unknown",
    probeMessage: "",
    notifyStatus: "",
    stopping: null,
  };
}

export function eventOf(
  type: SupervisionEventType,
  detail: Partial<SupervisionEventDetail> = {},
): NonNullable<SupervisionChange["event"]> {
  return { type, detail: { attempt: null, until: null, schedule: "", queue: "", project: "", ...detail } };
}

/** The process begins to wait. */
export function waitingChange(
  kept: Supervision,
  waiting: Waiting,
  detail: Partial<SupervisionEventDetail> = {},
): SupervisionChange {
  return {
    supervision: { ...kept, waiting, stopping: null },
    state: "waiting",
    desiredState: "running",
    event: eventOf("waiting", { until: waiting.until, ...detail }),
    cause: waiting.cause,
  };
}
