import type { PublicState } from "../run/transition.ts";

/** Why something changed. */
export type Cause =
  | "request"
  | "exit"
  | "restart_policy"
  | "probe"
  | "dependency"
  | "schedule"
  | "queue"
  | "retention"
  | "recovery"
  | "start_failure";

const causes: ReadonlySet<string> = new Set<Cause>([
  "request",
  "exit",
  "restart_policy",
  "probe",
  "dependency",
  "schedule",
  "queue",
  "retention",
  "recovery",
  "start_failure",
] satisfies Cause[]);

export function isCause(value: unknown): value is Cause {
  return typeof value === "string" && causes.has(value);
}

/** Who or what caused a change. */
export interface Origin {
  readonly cause: Cause;
  /** "local" over the socket, a user's name over TCP, "" for what pm does by itself. */
  readonly principal: string;
  /** As the client gave it; empty: none. */
  readonly requestId: string;
}

/** What happened: "created", "removed", or an event of a run. */
export type JournalEvent =
  | "created"
  | "removed"
  | "run_created"
  | "executed"
  | "failed"
  | "exited"
  | "output_complete"
  | "tree_gone"
  | "lost"
  | "stop_requested"
  | "kill_requested"
  | "stop_ended"
  | "restart_requested"
  | "remove_requested"
  | "changed";

const events: ReadonlySet<string> = new Set<JournalEvent>([
  "created",
  "removed",
  "run_created",
  "executed",
  "failed",
  "exited",
  "output_complete",
  "tree_gone",
  "lost",
  "stop_requested",
  "kill_requested",
  "stop_ended",
  "restart_requested",
  "remove_requested",
  "changed",
] satisfies JournalEvent[]);

const states: ReadonlySet<string> = new Set<PublicState>([
  "starting",
  "running",
  "stopping",
  "exited",
  "failed",
  "lost",
] satisfies PublicState[]);

/** One thing that happened to one process. */
export interface JournalEntry extends Origin {
  /** Grows by one with each entry; a resource version is one of these. */
  readonly sequence: number;
  /** Microseconds since the epoch. */
  readonly timeMicros: number;
  /** Milliseconds since the machine booted. */
  readonly bootMs: number;
  readonly processId: string;
  readonly run: number;
  readonly event: JournalEvent;
  /** States of the run before and after; empty: none. */
  readonly from: PublicState | "";
  readonly to: PublicState | "";
  /** A few words, such as the signal or the reason of a failure; empty: none. */
  readonly detail: string;
}

/** What the caller of the journal says about an entry. */
export type NewEntry = Omit<JournalEntry, "sequence" | "timeMicros" | "bootMs">;

/** JSON of an array: a third of the size of an object with names. */
export function encodeEntry(entry: JournalEntry): string {
  return JSON.stringify([
    entry.sequence,
    entry.timeMicros,
    entry.bootMs,
    entry.processId,
    entry.run,
    entry.event,
    entry.from,
    entry.to,
    entry.cause,
    entry.principal,
    entry.requestId,
    entry.detail,
  ]);
}

/** Null: no entry of this version. */
export function decodeEntry(text: string): JournalEntry | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(value) || value.length !== 12) return null;
  const [sequence, timeMicros, bootMs, processId, run, event, from, to, cause, principal, requestId, detail] = value;
  const valid =
    isCount(sequence) &&
    isCount(timeMicros) &&
    isCount(bootMs) &&
    typeof processId === "string" &&
    isCount(run) &&
    isEvent(event) &&
    isState(from) &&
    isState(to) &&
    isCause(cause) &&
    typeof principal === "string" &&
    typeof requestId === "string" &&
    typeof detail === "string";
  if (!valid) return null;
  return { sequence, timeMicros, bootMs, processId, run, event, from, to, cause, principal, requestId, detail };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isEvent(value: unknown): value is JournalEvent {
  return typeof value === "string" && events.has(value);
}

function isState(value: unknown): value is PublicState | "" {
  return value === "" || (typeof value === "string" && states.has(value));
}
