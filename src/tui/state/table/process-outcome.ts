import type { ProcessInfo, ProcessState } from "../../../sdk/types.ts";

/** Whether a process has ended with a code other than 0, or by a signal that is not the one that stops it. */
export function endedBadly({ exit, spec }: ProcessInfo): boolean {
  return exit !== undefined && exit.code !== 0 && exit.signalName !== spec.stop.signal;
}

/** Whether the current run will not go on. */
export function isOver({ state }: ProcessInfo): boolean {
  return state === "exited" || state === "failed" || state === "lost";
}

/** The state whose sign and color a process has: one that ended badly is to be seen like one that never began. */
export function shownState(process: ProcessInfo): ProcessState {
  return endedBadly(process) ? "failed" : process.state;
}
