import type {
  Backoff,
  Check,
  Command,
  Probe,
  ProcessInfo,
  ProcessSpec,
  Queue,
  RestartPolicy,
  Schedule,
} from "../../../sdk/types.ts";
import { formatBytes, formatChosen, formatDate } from "../../text/format.ts";
import { dueText, restartsText, waitingSentence } from "../table/supervision-text.ts";

/** A name and what is known under it; "": nothing. */
type Entry = readonly [label: string, value: string];

/** What its policies make of a process at present. `schedule` and `queue` are null as long as they were not read. */
export function supervisionDetails(
  process: ProcessInfo,
  schedule: Schedule | null,
  queue: Queue | null,
  now: number,
): readonly Entry[] {
  return [
    ...statusDetails(process, now),
    ...scheduleDetails(process.supervision?.schedule ?? "", schedule, now),
    ["Queue", queueStatus(process.spec.queue ?? "", queue)],
  ];
}

function statusDetails({ supervision, state }: ProcessInfo, now: number): readonly Entry[] {
  if (!supervision) {
    return [];
  }
  const { restarts, readiness, health, probeMessage, notifyStatus, project } = supervision;
  const isUp = readiness !== "notReady" && health !== "unhealthy";
  return [
    ["Waiting", state === "waiting" ? waitingSentence(supervision, now) : ""],
    ["Restarts", restarts > 0 || state === "givenUp" ? restartsText(supervision) : ""],
    ["Ready", readiness === undefined ? "" : readiness === "ready" ? "yes" : because("not yet", probeMessage)],
    ["Health", health === undefined ? "" : health === "unhealthy" ? because(health, probeMessage) : health],
    ["Last probe", isUp ? probeMessage : ""],
    ["Status", notifyStatus],
    ["Project", project],
  ];
}

function scheduleDetails(name: string, schedule: Schedule | null, now: number): readonly Entry[] {
  if (name === "" || schedule?.name !== name) {
    return [["Schedule", name]];
  }
  const { timing, timeZone, paused, nextTime, lastTime, lastResult, overlap, catchUp } = schedule;
  const last = lastTime ? [formatDate(lastTime), lastResult === "unknown" ? "" : lastResult] : [];
  return [
    ["Schedule", [name, timingText(timing), timeZone, paused ? "paused" : ""].filter(Boolean).join(" · ")],
    ["Next time", paused || !nextTime ? "" : dueText(nextTime, now)],
    ["Last time", last.filter(Boolean).join(" · ")],
    ["If running", IF_RUNNING[overlap]],
    ["If missed", IF_MISSED[catchUp]],
  ];
}

/** What happens to a time that comes while the run before has not ended, or that passed without a daemon. */
const IF_RUNNING: Readonly<Record<Schedule["overlap"], string>> = {
  skip: "skipped",
  queue: "runs after it",
  replace: "replaces it",
};
const IF_MISSED: Readonly<Record<Schedule["catchUp"], string>> = {
  skip: "skipped",
  once: "runs once",
  all: "runs once for each time",
};

function timingText(timing: Schedule["timing"]): string {
  switch (timing.kind) {
    case "cron":
      return timing.expression;
    case "every":
      return `every ${formatChosen(timing.ms)}`;
    case "boot":
      return "at boot";
    case "at":
      return `once, at ${formatDate(timing.time)}`;
  }
}

/** "builds · 2 at a time · paused · 1 running, 4 waiting" */
function queueStatus(name: string, queue: Queue | null): string {
  if (name === "" || queue?.name !== name) {
    return name;
  }
  const { parallelism, paused, running, waitingCount } = queue;
  return [
    name,
    `${parallelism} at a time`,
    paused ? "paused" : "",
    `${running.length} running, ${waitingCount} waiting`,
  ]
    .filter(Boolean)
    .join(" · ");
}

function because(what: string, why: string): string {
  return why === "" ? what : `${what} · ${why}`;
}

/** The policies that were asked for. */
export function policyDetails(spec: ProcessSpec): readonly Entry[] {
  const { restart, readiness, liveness, dependsOn, maxRunMs, stopCommand, hooks, successCodes } = spec;
  const modes = { no: "never", onFailure: "on failure", unlessStopped: "unless stopped", always: "always" } as const;
  const bound =
    restart?.maxAttempts === undefined || restart.maxAttempts === 0
      ? ""
      : `, at most ${restart.maxAttempts}${restart.windowMs === undefined ? "" : ` in ${formatChosen(restart.windowMs)}`}`;
  return [
    ["Restart", restart ? `${modes[restart.mode]}${bound}${memoryText(restart)}` : ""],
    ["Backoff", restart?.backoff ? backoffText(restart.backoff) : ""],
    ["Ready when", readiness ? probeText(readiness) : ""],
    ["Alive while", liveness ? probeText(liveness) : ""],
    [
      "Depends on",
      (dependsOn ?? []).map(({ process, condition = "started" }) => `${process} ${CONDITIONS[condition]}`).join(", "),
    ],
    ["Run limit", maxRunMs === undefined ? "" : formatChosen(maxRunMs)],
    ["Stop command", stopCommand ? commandText(stopCommand) : ""],
    ["Hooks", (hooks ?? []).map(({ events, command }) => `${events.join(", ")}: ${commandText(command)}`).join("\n")],
    ["Success", successCodes === undefined ? "" : `exit code ${successCodes.join(", ")}`],
  ];
}

function memoryText({ memoryBytes }: RestartPolicy): string {
  return memoryBytes === undefined || memoryBytes === 0 ? "" : `, above ${formatBytes(memoryBytes)} of memory`;
}

/** "1s, then 2 times as long, up to 1m" */
function backoffText({ initialMs, maxMs, multiplier }: Backoff): string {
  return [
    initialMs === undefined ? "" : formatChosen(initialMs),
    multiplier === undefined ? "" : `then ${multiplier} times as long`,
    maxMs === undefined ? "" : `up to ${formatChosen(maxMs)}`,
  ]
    .filter(Boolean)
    .join(", ");
}

function commandText({ executable, args = [] }: Command): string {
  return [executable, ...args].join(" ");
}

const CONDITIONS = {
  started: "started",
  ready: "ready",
  completed: "completed",
  completedSuccessfully: "completed successfully",
} as const;

function probeText({ check, intervalMs }: Probe): string {
  return `${checkText(check)}${intervalMs === undefined ? "" : `, every ${formatChosen(intervalMs)}`}`;
}

function checkText(check: Check): string {
  switch (check.kind) {
    case "exec":
      return commandText(check.command);
    case "http":
      return `${check.tls ? "https" : "http"}://${check.host ?? "127.0.0.1"}:${check.port}${check.path ?? "/"}`;
    case "tcp":
      return `connects to ${check.host ?? "127.0.0.1"}:${check.port}`;
    case "output":
      return `a line of the output matches ${check.pattern}`;
    case "notify":
      return "it says so (sd_notify)";
  }
}
