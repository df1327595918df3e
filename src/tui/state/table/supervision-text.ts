import type { ProcessInfo, SupervisionStatus } from "../../../sdk/types.ts";
import { plainText } from "../../terminal/styled-line.ts";
import { formatDuration, formatTimeOfDay } from "../../text/format.ts";

/** Up to so far ahead it is said in how long something is due; beyond that, when. Milliseconds. */
const SOON_MS = 10 * 60_000;

/** Whether its policies say something of it that the status column shows. */
export function hasStatus({ supervision }: ProcessInfo): boolean {
  return (
    supervision !== undefined &&
    (supervision.waiting !== undefined ||
      supervision.restarts > 0 ||
      supervision.readiness !== undefined ||
      supervision.health !== undefined ||
      supervision.notifyStatus !== "")
  );
}

/** What its policies make of it, the most important first and alone: "in 4s (3/5)", "for db", "not ready". */
export function statusText({ state, supervision }: ProcessInfo, now: number): string {
  if (!supervision) {
    return "";
  }
  const { waiting, restarts, readiness, health, notifyStatus } = supervision;
  if (state === "waiting") {
    return waiting ? plainText(waitingText(supervision, now)) : "";
  }
  if (state === "givenUp") {
    return `restarts ${restartsText(supervision)}`;
  }
  if (health === "unhealthy") {
    return "unhealthy";
  }
  if (readiness === "notReady") {
    return "not ready";
  }
  // What it says of itself is worth more than that all is well.
  return (
    plainText(notifyStatus).trim() ||
    (restarts > 0 ? `restarts ${restartsText(supervision)}` : (readiness ?? (health === "healthy" ? health : "")))
  );
}

/** What it waits for, in few words: "in 4s (3/5)", "in 4s (3)" without a bound, "for db, cache", "#2 in builds", "at 14:30". */
function waitingText({ waiting, attempt, maxAttempts, queuePosition }: SupervisionStatus, now: number): string {
  const { reason, until, for: what } = waiting ?? { reason: "unknown", for: [] };
  const due = until ? shortDueText(until, now) : "";
  switch (reason) {
    case "restart":
      return [due, attemptText(attempt, maxAttempts)].filter(Boolean).join(" ");
    case "queue":
      return [queuePosition > 0 ? `#${queuePosition}` : "", what.length > 0 ? `in ${what.join(", ")}` : ""]
        .filter(Boolean)
        .join(" ");
    case "dependency":
      return what.length > 0 ? `for ${what.join(", ")}` : "";
    case "schedule":
    case "unknown":
      return due || what.join(", ");
  }
}

/** The same with all that is known, for the details: "for the next attempt, 3 of 5, in 4s". */
export function waitingSentence(supervision: SupervisionStatus, now: number): string {
  const { waiting, attempt, maxAttempts, queuePosition } = supervision;
  if (!waiting) {
    return "";
  }
  const { reason, until, for: what, detail } = waiting;
  const names = what.join(", ");
  const kinds: Readonly<Record<typeof reason, string>> = {
    restart: `for attempt ${attempt}${maxAttempts > 0 ? ` of ${maxAttempts}` : ""}`,
    dependency: names === "" ? "for what it depends on" : `for ${names}`,
    schedule: names === "" ? "for its schedule" : `for its schedule ${names}`,
    queue: `for its turn${names === "" ? "" : ` in ${names}`}${queuePosition > 0 ? `, #${queuePosition}` : ""}`,
    unknown: names,
  };
  return [kinds[reason], until ? dueText(until, now) : "", detail].filter(Boolean).join(" · ");
}

/** "unhealthy", "not ready", "ready", "healthy": the worse of what its two probes say; "": none has said anything. */
export function healthText({ readiness, health }: SupervisionStatus): string {
  if (health === "unhealthy" || readiness === undefined) {
    return health === undefined || health === "unknown" ? "" : health;
  }
  return readiness === "notReady" ? "not ready" : readiness;
}

/** When its next run is due: "in 4s", "at 14:30", "Fri 02:30", "due"; "": it waits for nothing that has a time. */
export function nextText({ state, supervision }: ProcessInfo, now: number): string {
  const until = state === "waiting" ? supervision?.waiting?.until : undefined;
  return until === undefined ? "" : shortDueText(until, now);
}

/** "builds", "#2 builds" where it waits for its turn. */
export function queueText(queue: string | undefined, supervision: SupervisionStatus | undefined): string {
  const position = supervision?.queuePosition ?? 0;
  return queue === undefined || queue === "" ? "" : position > 0 ? `#${position} ${queue}` : queue;
}

/**
 * "3/5" of the restarts that its policy allows, or "3" where there is no bound.
 * After runs that were stable the bound counts anew: "12 (2/5)".
 */
export function restartsText({ restarts, maxAttempts, attempt }: SupervisionStatus): string {
  if (maxAttempts === 0) {
    return String(restarts);
  }
  return restarts <= maxAttempts ? `${restarts}/${maxAttempts}` : `${restarts} (${attempt}/${maxAttempts})`;
}

function attemptText(attempt: number, most: number): string {
  return attempt === 0 ? "" : most > 0 ? `(${attempt}/${most})` : `(${attempt})`;
}

/** "in 4s", "at 14:30", "at 2026-11-27 02:30", "due" */
export function dueText(until: Date, now: number): string {
  return soonText(until, now) ?? `at ${formatTimeOfDay(until, now)}`;
}

/** The same where there is little room: "Fri 02:30" within a week, "2026-12-24" beyond. */
function shortDueText(until: Date, now: number): string {
  const soon = soonText(until, now);
  if (soon !== null) {
    return soon;
  }
  const text = formatTimeOfDay(until, now);
  const [day = "", time] = text.split(" ");
  const isThisWeek = until.getTime() - now < WEEK_MS;
  return time === undefined ? `at ${text}` : isThisWeek ? `${WEEKDAYS[until.getDay()]} ${time}` : day;
}

/** Null: not soon. */
function soonText(until: Date, now: number): string | null {
  const left = until.getTime() - now;
  // Never "in 0s": it is not due yet.
  return left <= 0 ? "due" : left < SOON_MS ? `in ${formatDuration(Math.ceil(left / 1000) * 1000)}` : null;
}

/** A day less than a week: the same weekday would be read as today's. */
const WEEK_MS = 6 * 86_400_000;
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
