import type { Cause, CauseKind } from "../api/cause.ts";
import { type EventType, eventTypes } from "../api/event.ts";
import type { ProcessState } from "../api/process.ts";
import type { ExitStatus } from "../api/run.ts";
import type { SupervisionEventDetail } from "../api/supervision.ts";

/** What an entry is about: an event that clients see, or "changed", anything else that makes a new resource version. */
export type EntryType = EventType | "changed";

/** One thing that happened. */
export interface JournalEntry {
  /** Grows by one with each entry; a resource version is one of these. */
  readonly sequence: number;
  /** Microseconds since the epoch. */
  readonly timeMicros: number;
  /** Milliseconds since the machine booted. */
  readonly bootMs: number;
  readonly type: EntryType;
  /** Empty: it is about the daemon. */
  readonly processId: string;
  readonly processName: string;
  /** 0: none. */
  readonly run: number;
  /** States of the process before and after; empty: none. */
  readonly from: ProcessState | "";
  readonly to: ProcessState | "";
  readonly cause: Cause;
  /** How the main process ended, where that is what happened. */
  readonly exit: ExitStatus | null;
  /** What supervision says about it; undefined: nothing. */
  readonly supervision?: SupervisionEventDetail | undefined;
}

/** What the caller of the journal says about an entry. */
export type NewEntry = Omit<JournalEntry, "sequence" | "timeMicros" | "bootMs">;

const kinds: ReadonlySet<string> = new Set<CauseKind>([
  "request",
  "exit",
  "restartPolicy",
  "probe",
  "dependency",
  "schedule",
  "queue",
  "retention",
  "recovery",
  "startFailure",
  "boot",
  "limit",
  "project",
] satisfies CauseKind[]);

const types: ReadonlySet<string> = new Set<EntryType>([...eventTypes, "changed"]);

const states: ReadonlySet<string> = new Set<ProcessState>([
  "starting",
  "running",
  "stopping",
  "exited",
  "failed",
  "lost",
  "waiting",
  "givenUp",
] satisfies ProcessState[]);

/**
 * JSON of an array: a third of the size of an object with names. Put together
 * by hand, which costs a quarter of JSON.stringify; what comes from outside
 * goes through that.
 */
export function encodeEntry(entry: JournalEntry): string {
  const { kind, principal, requestId, detail } = entry.cause;
  const { sequence, timeMicros, bootMs, type, processId, processName, run, from, to, exit } = entry;
  const texts = `${quote(processName)},${run},"${from}","${to}","${kind}",${quote(principal)},${quote(requestId)},${quote(detail)}`;
  const { supervision } = entry;
  const about = supervision === undefined ? "" : `,${JSON.stringify(supervision)}`;
  const end = exit === null && about === "" ? "" : `,${JSON.stringify(exit)}${about}`;
  return `[${sequence},${timeMicros},${bootMs},"${type}","${processId}",${texts}${end}]`;
}

function quote(text: string): string {
  return text === "" ? '""' : JSON.stringify(text);
}

/** Null: no entry of this version. */
export function decodeEntry(text: string): JournalEntry | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(value) || value.length < 13 || value.length > 15) return null;
  const [sequence, timeMicros, bootMs, type, processId, processName, run, from, to] = value;
  const [kind, principal, requestId, detail, exit = null, supervision] = value.slice(9);
  const valid =
    [sequence, timeMicros, bootMs, run].every(isCount) &&
    [processId, processName, principal, requestId, detail].every((field) => typeof field === "string") &&
    types.has(type) &&
    isState(from) &&
    isState(to) &&
    isCauseKind(kind) &&
    (exit === null || isExitStatus(exit)) &&
    (supervision === undefined || isDetail(supervision));
  if (!valid) return null;
  const cause = { kind, principal, requestId, detail };
  const entry = { sequence, timeMicros, bootMs, type, processId, processName, run, from, to, cause, exit };
  return supervision === undefined ? entry : { ...entry, supervision };
}

function isDetail(value: unknown): value is SupervisionEventDetail {
  return (
    isObject(value) &&
    [value["attempt"], value["until"]].every((field) => field === null || typeof field === "number") &&
    [value["schedule"], value["queue"], value["project"]].every((field) => typeof field === "string")
  );
}

export function isCause(value: unknown): value is Cause {
  return (
    isObject(value) &&
    isCauseKind(value["kind"]) &&
    typeof value["principal"] === "string" &&
    typeof value["requestId"] === "string" &&
    typeof value["detail"] === "string"
  );
}

export function isExitStatus(value: unknown): value is ExitStatus {
  if (!isObject(value) || !isObject(value["usage"])) return false;
  const { userMicros, systemMicros, maxResidentBytes } = value["usage"];
  return (
    (value["code"] === null) !== (value["signal"] === null) &&
    (isCount(value["code"]) || isCount(value["signal"])) &&
    typeof value["signalName"] === "string" &&
    typeof value["coreDumped"] === "boolean" &&
    (value["oomKilled"] === null || typeof value["oomKilled"] === "boolean") &&
    [userMicros, systemMicros, maxResidentBytes].every(isCount)
  );
}

function isCauseKind(value: unknown): value is CauseKind {
  return typeof value === "string" && kinds.has(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isState(value: unknown): value is ProcessState | "" {
  return value === "" || (typeof value === "string" && states.has(value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
