import type { Check, Probe, ProcessInfo, ProcessSpec } from "../../../sdk/types.ts";
import { formatDuration } from "../../text/format.ts";
import { restartsText, waitingSentence } from "../table/supervision-text.ts";

/** A name and what is known under it; "": nothing. */
type Entry = readonly [label: string, value: string];

/** What its policies make of a process at present. */
export function supervisionDetails({ supervision, state }: ProcessInfo, now: number): readonly Entry[] {
  if (!supervision) {
    return [];
  }
  const { restarts, readiness, health, probeMessage, notifyStatus, project, schedule } = supervision;
  const isUp = readiness !== "notReady" && health !== "unhealthy";
  return [
    ["Waits", state === "waiting" ? waitingSentence(supervision, now) : ""],
    ["Restarts", restarts > 0 || state === "givenUp" ? restartsText(supervision) : ""],
    ["Ready", readiness === undefined ? "" : readiness === "ready" ? "yes" : because("not yet", probeMessage)],
    ["Health", health === undefined ? "" : health === "unhealthy" ? because(health, probeMessage) : health],
    ["Last probe", isUp ? probeMessage : ""],
    ["Status", notifyStatus],
    ["Project", project],
    ["Schedule", schedule],
  ];
}

function because(what: string, why: string): string {
  return why === "" ? what : `${what} · ${why}`;
}

/** The policies that were asked for. */
export function policyDetails(spec: ProcessSpec): readonly Entry[] {
  const { restart, readiness, liveness, dependsOn, queue, maxRunMs } = spec;
  const modes = { no: "never", onFailure: "on failure", unlessStopped: "unless stopped", always: "always" } as const;
  const bound =
    restart?.maxAttempts === undefined || restart.maxAttempts === 0
      ? ""
      : `, at most ${restart.maxAttempts}${restart.windowMs === undefined ? "" : ` in ${formatDuration(restart.windowMs)}`}`;
  return [
    ["Restart", restart ? `${modes[restart.mode]}${bound}` : ""],
    ["Ready when", readiness ? probeText(readiness) : ""],
    ["Alive while", liveness ? probeText(liveness) : ""],
    [
      "Depends on",
      (dependsOn ?? []).map(({ process, condition = "started" }) => `${process} ${CONDITIONS[condition]}`).join(", "),
    ],
    ["Queue", queue ?? ""],
    ["Run limit", maxRunMs === undefined ? "" : formatDuration(maxRunMs)],
  ];
}

const CONDITIONS = {
  started: "started",
  ready: "ready",
  completed: "completed",
  completedSuccessfully: "completed successfully",
} as const;

function probeText({ check, intervalMs }: Probe): string {
  return `${checkText(check)}${intervalMs === undefined ? "" : `, every ${formatDuration(intervalMs)}`}`;
}

function checkText(check: Check): string {
  switch (check.kind) {
    case "exec":
      return [check.command.executable, ...(check.command.args ?? [])].join(" ");
    case "http":
      return `${check.tls ? "https" : "http"}://${check.host ?? "127.0.0.1"}:${check.port}${check.path ?? "/"}`;
    case "tcp":
      return `connects to ${check.host ?? "127.0.0.1"}:${check.port}`;
    case "output":
      return `a line of the output fits ${check.pattern}`;
    case "notify":
      return "it says so (sd_notify)";
  }
}
