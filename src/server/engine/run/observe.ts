import { RunState as RingState } from "../shim/layout.ts";
import type { RingHeader } from "../shim/ring-header.ts";
import type { RunEvent } from "./transition.ts";

/**
 * What has happened between two looks at a ring, in the order in which it must
 * have happened: several things may be new at once.
 *
 * @param was Null: the ring was not there.
 */
export function eventsBetween(was: RingHeader | null, is: RingHeader): RunEvent[] {
  const before = was?.state ?? RingState.starting;
  const events: RunEvent[] = [];
  if (is.state === RingState.failed) {
    if (before !== RingState.failed) events.push("startFailed");
    return events;
  }
  const hasBegun = is.state === RingState.running || is.state === RingState.exited;
  if (hasBegun && before === RingState.starting) events.push("executed");
  if (is.state === RingState.exited && before !== RingState.exited) events.push("mainExited");
  if (is.treeGone && was?.treeGone !== true) events.push("treeGone");
  if (is.outputComplete && was?.outputComplete !== true) events.push("outputComplete");
  return events;
}

/** Whether something else changed that clients see, besides how much output there is. */
export function detailsDiffer(was: RingHeader | null, is: RingHeader): boolean {
  if (was === null) return true;
  const held = (header: RingHeader) => header.holdDeadline > 0n;
  return (
    was.childPid !== is.childPid ||
    was.dataSize !== is.dataSize ||
    was.stopped !== is.stopped ||
    held(was) !== held(is) ||
    was.notifyReady !== is.notifyReady ||
    was.notifyStopping !== is.notifyStopping ||
    was.status !== is.status
  );
}
