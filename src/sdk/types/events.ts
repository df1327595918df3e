/** Events: what happened to processes, why, and who asked for it. */
import type { CallOptions, ReconnectOptions } from "./calls.ts";
import type { Cause, ExitStatus, ProcessFilter, ProcessState } from "./process.ts";

/** What kind of thing an event records; see `EventType` in the contract. */
export type EventType =
  | "created"
  | "stateChanged"
  | "stopRequested"
  | "restartRequested"
  | "signaled"
  | "updated"
  | "treeGone"
  | "removed"
  | "daemonStarted"
  | "daemonStopped"
  | "waiting"
  | "ready"
  | "notReady"
  | "healthy"
  | "unhealthy"
  | "hookFailed"
  | "scheduleSkipped"
  | "projectApplied"
  | "projectRemoved"
  /** One that this version of the SDK does not know. */
  | "unknown";

/** One entry of the journal. */
export interface Event {
  /** Grows with each entry, over restarts of the daemon too. */
  readonly sequence: number;
  readonly time: Date;
  readonly type: EventType;
  /** Undefined: it is about the daemon. */
  readonly processId?: string;
  /** The process's name at that moment. */
  readonly processName?: string;
  /** The run that it happened to. */
  readonly run?: number;
  readonly from?: ProcessState;
  readonly to?: ProcessState;
  readonly cause?: Cause;
  readonly exit?: ExitStatus;
  /** Which attempt of its restart policy it is about. */
  readonly attempt?: number;
  /** Until when it waits. */
  readonly until?: Date;
  readonly schedule?: string;
  readonly queue?: string;
  readonly project?: string;
}

/** What to stream of the journal. */
export interface EventsOptions extends CallOptions, ReconnectOptions {
  /**
   * Begin with the first entry after this one; 0: with the oldest one kept.
   *
   * @default with what happens from now on, or without `follow` with the oldest one kept
   */
  readonly afterSequence?: number;
  /** @default all processes, and the daemon */
  readonly filter?: ProcessFilter;
  /** @default all */
  readonly types?: readonly Exclude<EventType, "unknown">[];
  /** Go on with new entries. @default false */
  readonly follow?: boolean;
  /**
   * Milliseconds between heartbeats while nothing else comes, 1000 to 3600000; two and a half of them without any frame
   * mean that the connection is dead.
   *
   * @default 15000
   */
  readonly heartbeatMs?: number;
}

/** One frame of a stream of events. */
export type EventFrame =
  /** First, and again if another journal has begun meanwhile: its sequences have nothing to do with those before. */
  | {
      readonly type: "opened";
      readonly journalId: string;
      /** 0 if there is no entry. */
      readonly firstSequence: number;
      readonly lastSequence: number;
    }
  | { readonly type: "event"; readonly event: Event }
  /** The entries from `from` up to, not including, `to` are no longer kept. */
  | { readonly type: "dropped"; readonly from: number; readonly to: number }
  | { readonly type: "heartbeat"; readonly sequence: number };
