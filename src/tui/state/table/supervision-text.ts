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

/** What it waits for, in few words: "in 4s (3/5)", "for db, cache", "#2 in builds", "at 14:30". */
function waitingText({ waiting, attempt, maxAttempts, queuePosition }: SupervisionStatus, now: number): string {
  const { reason, until, for: what } = waiting ?? { reason: "unknown", for: [] };
  const due = until ? dueText(until, now) : "";
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

/** "3/5" of the restarts that its policy allows, or "3" where there is no bound. */
export function restartsText({ restarts, maxAttempts }: SupervisionStatus): string {
  return maxAttempts > 0 ? `${restarts}/${maxAttempts}` : String(restarts);
}

function attemptText(attempt: number, most: number): string {
  return attempt === 0 ? "" : most > 0 ? `(${attempt}/${most})` : `(attempt ${attempt})`;
}

/** "in 4s", "at 14:30", "due" */
function dueText(until: Date, now: number): string {
  const left = until.getTime() - now;
  return left <= 0 ? "due" : left < SOON_MS ? `in ${formatDuration(left)}` : `at ${formatTimeOfDay(until, now)}`;
}
