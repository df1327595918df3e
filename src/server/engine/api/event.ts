import type { Cause } from "./cause.ts";
import type { ProcessFilter } from "./list.ts";
import type { ProcessState } from "./process.ts";
import type { ExitStatus } from "./run.ts";
import { type SupervisionEventDetail, supervisionEventTypes } from "./supervision.ts";

/** What the journal says of processes and of the daemon, besides what supervision says. */
const lifeEventTypes = [
  "created",
  "stateChanged",
  "stopRequested",
  "restartRequested",
  "signaled",
  "updated",
  "treeGone",
  "removed",
  "daemonStarted",
  "daemonStopped",
] as const;

export const eventTypes = [...lifeEventTypes, ...supervisionEventTypes] as const;
export type EventType = (typeof eventTypes)[number];

/** One entry of the journal. */
export interface JournalEvent {
  readonly sequence: number;
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  readonly type: EventType;
  /** Empty: about the daemon. */
  readonly processId: string;
  readonly processName: string;
  /** Null: about no run. */
  readonly run: number | null;
  readonly from: ProcessState | null;
  readonly to: ProcessState | null;
  readonly cause: Cause;
  readonly exit: ExitStatus | null;
  /** Undefined: not about supervision. */
  readonly supervision?: SupervisionEventDetail | undefined;
}

export interface StreamEventsOptions {
  /** Null: from now on, or without `follow` from the oldest on. */
  readonly afterSequence: number | null;
  /** Null: everything, the daemon's entries too. */
  readonly filter: ProcessFilter | null;
  /** Empty: all. */
  readonly types: readonly EventType[];
  readonly follow: boolean;
  readonly heartbeatMs: number;
}

export type EventsFrame =
  | {
      readonly kind: "opened";
      readonly journalId: string;
      /** 0: the journal is empty. */
      readonly firstSequence: number;
      readonly lastSequence: number;
    }
  | { readonly kind: "event"; readonly event: JournalEvent }
  | { readonly kind: "dropped"; readonly from: number; readonly to: number }
  | { readonly kind: "heartbeat"; readonly sequence: number };
