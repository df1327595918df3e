import { constants } from "node:os";
import type { ProcessInfo, RunInfo } from "../../../sdk/types.ts";
import { type ShownState, stateWord } from "../../text/state-glyphs.ts";

const SUCCESS: readonly number[] = [0];

/** Whether a process has ended with a code that does not mean success, or by a signal, and not as it was asked to. */
export function endedBadly({ state, run, spec }: ProcessInfo): boolean {
  // A process that waits for its next run is not over.
  return (
    state === "exited" &&
    run?.exit !== undefined &&
    !(run.exit.code !== undefined && (spec.successCodes ?? SUCCESS).includes(run.exit.code)) &&
    !endedAsAsked(run)
  );
}

/** Whether it ended by the signal that stops it, as what handles that signal ends (128 + its number), or was killed at once because somebody wanted so. */
function endedAsAsked({ exit, stop, effective }: RunInfo): boolean {
  if (exit?.signalName === undefined) {
    const number = stop && constants.signals[stop.signal as NodeJS.Signals];
    return number !== undefined && exit?.code === 128 + number;
  }
  const isKillWanted = stop?.cause?.principal !== undefined && stop.force && stop.graceMs === 0;
  return (
    exit.signalName === stop?.signal ||
    exit.signalName === effective?.stopSignal ||
    (exit.signalName === "SIGKILL" && isKillWanted && !exit.oomKilled)
  );
}

/** Whether its last run ended badly, whatever the process does now: waits for the next one, or was given up. */
export function lastRunFailed(process: ProcessInfo): boolean {
  return endedBadly({
    ...process,
    state: process.state === "waiting" || process.state === "givenUp" ? "exited" : process.state,
  });
}

/** Whether the current run will not go on, nor another one begin by itself. */
export function isOver({ state }: ProcessInfo): boolean {
  return state === "exited" || state === "failed" || state === "lost" || state === "givenUp";
}

/** Whether runs of it begin without anybody asking for them: after a crash, at a time, when something else is ready. */
export function beginsByItself({ state, spec, supervision }: ProcessInfo): boolean {
  const { restart } = spec;
  return (
    state === "waiting" ||
    (restart !== undefined && restart.mode !== "no") ||
    (supervision !== undefined && supervision.schedule !== "")
  );
}

/** The state whose sign and color a process has: one that ended badly is to be seen like one that never began. */
export function shownState(process: ProcessInfo): ShownState {
  return endedBadly(process) ? "failed" : isSuspended(process) ? "suspended" : process.state;
}

/** The state in words. */
export function stateText(process: ProcessInfo): string {
  return isSuspended(process) ? "suspended" : stateWord(process.state);
}

/** Whether a signal such as SIGSTOP keeps it from running. */
function isSuspended({ state, run }: ProcessInfo): boolean {
  return state === "running" && run?.suspended === true;
}
