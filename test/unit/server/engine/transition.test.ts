import { describe, expect, test } from "vitest";
import {
  hasEnded,
  mayLive,
  publicState,
  type RunEvent,
  type RunState,
  transition,
} from "../../../../src/server/engine/run/transition.ts";

/**
 * What each event must lead to, written down once more and by column: "-" is
 * impossible, a state and its effects otherwise.
 */
const states = ["starting", "running", "stopping", "remaining", "exited", "failed", "orphaned", "lost"] as const;
const fails = "failed settleStart recordFailure settle";
const expected: Record<RunEvent, string[]> = {
  shimForked: ["starting", "-", "-", "-", "-", "failed", "-", "-"],
  shimFailed: [fails, "-", "-", "-", "-", "failed", "-", "-"],
  executed: ["running settleStart", "-", "-", "-", "-", "-", "-", "-"],
  startFailed: [fails, "-", "-", "-", "-", "-", "-", "-"],
  mainExited: ["-", "remaining recordExit", "remaining recordExit", "-", "-", "-", "-", "-"],
  outputComplete: ["-", "running", "stopping", "remaining", "exited", "failed", "-", "-"],
  treeGone: ["-", "-", "-", "exited settle", "-", "failed", "-", "-"],
  stopRequested: [
    "starting awaitStart",
    "stopping signalTree",
    "stopping signalTree",
    "remaining signalTree",
    "exited",
    "failed",
    "orphaned signalTree",
    "lost",
  ],
  killRequested: [
    "starting awaitStart",
    "stopping killTree",
    "stopping killTree",
    "remaining killTree",
    "exited",
    "failed",
    "orphaned killTree",
    "lost",
  ],
  stopEnded: ["-", "-", "running", "remaining", "exited", "-", "orphaned", "lost"],
  shimGone: [
    fails,
    "orphaned findRemains",
    "orphaned findRemains",
    "remaining findRemains",
    "exited",
    "failed",
    "orphaned",
    "lost",
  ],
  remainsGone: ["-", "-", "-", "exited settle", "-", "-", "lost settle", "-"],
  released: ["-", "-", "-", "-", "exited", "failed", "-", "-"],
  restartRequested: [
    "starting awaitStart",
    "running stopFirst",
    "stopping stopFirst",
    "remaining stopFirst",
    "exited beginRun",
    "failed beginRun",
    "orphaned stopFirst",
    "lost beginRun",
  ],
  removeRequested: [
    "starting awaitStart",
    "running killFirst",
    "stopping killFirst",
    "remaining killFirst",
    "exited deleteFiles",
    "failed deleteFiles",
    "orphaned killFirst",
    "lost deleteFiles",
  ],
};
const events = Object.keys(expected) as RunEvent[];

describe.each(states)("a run that is %s", (state) => {
  test.each(events)("and %s", (event) => {
    const { next, effects, impossible } = transition(state, event);
    expect(impossible ? "-" : [next, ...effects].join(" ")).toBe(expected[event][states.indexOf(state)]);
    if (impossible) expect({ next, effects }).toEqual({ next: state, effects: [] });
  });
});

/** Every state that can follow, through any number of events. */
function reachable(from: RunState): Set<RunState> {
  const found = new Set<RunState>([from]);
  for (const state of found) for (const event of events) found.add(transition(state, event).next);
  return found;
}

test("every state is reached from the beginning, and what has ended never lives again", () => {
  expect(reachable("starting")).toEqual(new Set(states));
  for (const state of states) {
    for (const later of reachable(state)) {
      if (hasEnded(state)) expect(hasEnded(later)).toBe(true);
      if (state !== "starting" && !mayLive(state)) expect(later).toBe(state);
    }
  }
});

test("it is settled once, when the last of its tree goes, and no state is left without a way out", () => {
  for (const state of states) {
    for (const event of events) {
      const { next, effects } = transition(state, event);
      const wasOver = hasEnded(state) && !mayLive(state);
      const isOver = hasEnded(next) && !mayLive(next);
      expect(effects.includes("settle"), `${state} and ${event}`).toBe(isOver && !wasOver);
      expect(effects.includes("settleStart"), `${state} and ${event}`).toBe(
        state === "starting" && next !== "starting",
      );
    }
    expect([...reachable(state)].some((later) => hasEnded(later) && !mayLive(later))).toBe(true);
  }
});

test("clients see six states", () => {
  expect(states.map(publicState)).toEqual([
    "starting",
    "running",
    "stopping",
    "exited",
    "exited",
    "failed",
    "lost",
    "lost",
  ]);
});
