/** What `pm status` says of a process's policies, and what they make of it. */

import { escapeText } from "../../common/escape.ts";
import { formatBytes, formatDuration } from "../../common/quantities.ts";
import type { Check, Command, Probe, ProcessInfo, RestartPolicy, Schedule } from "../../sdk/index.ts";
import { timeLeft } from "./process-table.ts";
import { scheduleTimingText } from "./schedule-text.ts";
import { shellWords } from "./shell-words.ts";

type Row = readonly [title: string, text: string];

/** @param schedule The one that it belongs to, if it was read. */
export function supervisionRows(info: ProcessInfo, schedule: Schedule | undefined, now: Date): readonly Row[] {
  const { spec, supervision } = info;
  const { waiting, restarts = 0, project = "", notifyStatus = "" } = supervision ?? {};
  const rows: Row[] = [];
  if (info.state === "waiting" && waiting?.until !== undefined) {
    rows.push(["Due", `${waiting.until.toISOString()} (in ${timeLeft(waiting.until, now)})`]);
  }
  if (spec.restart !== undefined && spec.restart.mode !== "no") {
    rows.push(["Restart", `${restartText(spec.restart)}; ${restarts} so far`]);
  }
  if (spec.dependsOn !== undefined && spec.dependsOn.length > 0) {
    const words = { started: "started", ready: "ready", completed: "completed", completedSuccessfully: "successful" };
    const one = ({ process, condition = "started" }: (typeof spec.dependsOn)[number]): string =>
      `${escapeText(process)} (${words[condition]})`;
    rows.push(["Depends on", spec.dependsOn.map(one).join(", ")]);
  }
  if (spec.readiness !== undefined) {
    const found = { ready: "ready", notReady: "not ready", none: "not known" }[supervision?.readiness ?? "none"];
    rows.push(["Readiness", probeText(found, spec.readiness, info)]);
  }
  if (spec.liveness !== undefined) {
    rows.push(["Health", probeText(supervision?.health ?? "not known", spec.liveness, info)]);
  }
  if (notifyStatus !== "") {
    rows.push(["Status", escapeText(notifyStatus)]);
  }
  if (spec.queue !== undefined && spec.queue !== "") {
    const place = supervision?.queuePosition ? `, #${supervision.queuePosition} of those that wait` : "";
    rows.push(["Queue", `${escapeText(spec.queue)}${place}`]);
  }
  if (spec.maxRunMs !== undefined) {
    rows.push(["Longest run", formatDuration(spec.maxRunMs)]);
  }
  if (supervision?.schedule) {
    rows.push(["Schedule", scheduleText(supervision.schedule, schedule)]);
  }
  if (project !== "") {
    rows.push(["Project", escapeText(project)]);
  }
  return rows;
}

function restartText({ mode, maxAttempts = 0, windowMs, backoff, memoryBytes }: RestartPolicy): string {
  const words = { no: "no", onFailure: "on-failure", unlessStopped: "unless-stopped", always: "always" };
  const { initialMs, maxMs } = backoff ?? {};
  return [
    words[mode],
    ...(maxAttempts === 0
      ? []
      : [
          `at most ${maxAttempts} ${maxAttempts === 1 ? "attempt" : "attempts"}${windowMs === undefined ? " in a row" : ` in ${formatDuration(windowMs)}`}`,
        ]),
    ...(initialMs === undefined ? [] : [`backoff from ${milliseconds(initialMs)}`]),
    ...(maxMs === undefined ? [] : [`backoff to ${milliseconds(maxMs)}`]),
    ...(memoryBytes === undefined ? [] : [`above ${formatBytes(memoryBytes)} of memory`]),
  ].join(", ");
}

function probeText(found: string, probe: Probe, { supervision }: ProcessInfo): string {
  const message = supervision?.probeMessage ?? "";
  const why = /ready|healthy/.test(found) && !/not ready|unhealthy/.test(found) ? "" : message;
  const interval = probe.intervalMs === undefined ? "" : ` every ${milliseconds(probe.intervalMs)}`;
  return `${found}${why === "" ? "" : ` (${escapeText(why)})`}; ${checkText(probe.check)}${interval}`;
}

function checkText(check: Check): string {
  switch (check.kind) {
    case "exec":
      return commandText(check.command);
    case "http":
      return `${check.tls ? "https" : "http"}://${escapeText(check.host || "127.0.0.1")}:${check.port}${escapeText(check.path || "/")}`;
    case "tcp":
      return `tcp ${escapeText(check.host || "127.0.0.1")}:${check.port}`;
    case "output":
      return `output ${escapeText(check.pattern)}`;
    case "notify":
      return check.watchdogMs ? `notify, watchdog ${milliseconds(check.watchdogMs)}` : "notify";
  }
}

function commandText({ executable, args = [] }: Command): string {
  return shellWords([executable, ...args]);
}

function scheduleText(name: string, schedule: Schedule | undefined): string {
  if (schedule === undefined) {
    return escapeText(name);
  }
  const { paused, nextTime, lastTime, lastResult } = schedule;
  const next = paused ? "paused" : nextTime === undefined ? "no next time" : `next ${nextTime.toISOString()}`;
  const last =
    lastTime === undefined ? "never due so far" : `last ${lastTime.toISOString()}, ${lastResult ?? "unknown"}`;
  return escapeText(`${name}: ${scheduleTimingText(schedule)}; ${next}; ${last}`);
}

function milliseconds(ms: number): string {
  return ms < 1000 ? `${ms}ms` : formatDuration(ms);
}
