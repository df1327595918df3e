/**
 * The life of a run as a table: in each state, what each event leads to. A run
 * changes its state nowhere else. Pure: effects are named here and carried out
 * by `Core` and by the operations.
 */

import type { RunState as PublicState } from "../api/run.ts";

/**
 * Clients see six states: "remaining" is "exited" while something of the tree
 * lives; "orphaned" is "lost" while something of the tree may live.
 */
export type RunState = "starting" | "running" | "stopping" | "remaining" | "exited" | "failed" | "orphaned" | "lost";

export type RunEvent =
  /** The zygote forked a shim for it. */
  | "shimForked"
  /** It has no shim: none was forked, or the one that was could not make a ring. */
  | "shimFailed"
  /** execve(2) succeeded. */
  | "executed"
  /** The program was not executed: the shim says why, or the daemon could not make the run's files. */
  | "startFailed"
  /** The main process has ended. */
  | "mainExited"
  /** End of file on every output pipe, or nobody waits for it any more. */
  | "outputComplete"
  /** No descendant is left. */
  | "treeGone"
  /** Somebody asked to end the tree by a signal, or by force. */
  | "stopRequested"
  | "killRequested"
  /** No stop is under way any more, whether or not it ended the tree. */
  | "stopEnded"
  /** The shim is gone without having said its last word. */
  | "shimGone"
  /** Nothing is left of a tree whose shim was killed. */
  | "remainsGone"
  /** The shim was told not to wait for writers outside the tree. */
  | "released"
  | "restartRequested"
  | "removeRequested";

export type RunEffect =
  /** Whoever waits for the start gets its outcome. */
  | "settleStart"
  /** The failure goes on record. */
  | "recordFailure"
  /** How the main process ended goes on record. */
  | "recordExit"
  /** Nothing of the run lives: its cgroup goes, retention may look. */
  | "settle"
  /** Look for what the killed shim left behind. */
  | "findRemains"
  /** What was asked for has to wait until it is decided whether the run begins. */
  | "awaitStart"
  /** What was asked for sends its signal. */
  | "signalTree"
  | "killTree"
  /** What was asked for has to end the run first. */
  | "stopFirst"
  | "killFirst"
  /** A next run may begin. */
  | "beginRun"
  /** The files may go. */
  | "deleteFiles";

export interface Transition {
  readonly next: RunState;
  readonly effects: readonly RunEffect[];
  /** The event cannot happen in this state: it changes nothing, and is reported. */
  readonly impossible: boolean;
}

type Cell = readonly [RunState, ...RunEffect[]] | "impossible";
type Row = Readonly<Record<RunEvent, Cell>>;

const never = "impossible";

const table: Readonly<Record<RunState, Row>> = {
  starting: {
    shimForked: ["starting"],
    shimFailed: ["failed", "settleStart", "recordFailure", "settle"],
    executed: ["running", "settleStart"],
    startFailed: ["failed", "settleStart", "recordFailure", "settle"],
    // A reader that sees several changes at once reports them in order, "executed" first.
    mainExited: never,
    outputComplete: never,
    treeGone: never,
    stopRequested: ["starting", "awaitStart"],
    killRequested: ["starting", "awaitStart"],
    stopEnded: never,
    // Killed before it executed anything: the run never began.
    shimGone: ["failed", "settleStart", "recordFailure", "settle"],
    remainsGone: never,
    released: never,
    restartRequested: ["starting", "awaitStart"],
    removeRequested: ["starting", "awaitStart"],
  },
  running: {
    shimForked: never,
    shimFailed: never,
    executed: never,
    startFailed: never,
    mainExited: ["remaining", "recordExit"],
    outputComplete: ["running"],
    treeGone: never,
    stopRequested: ["stopping", "signalTree"],
    killRequested: ["stopping", "killTree"],
    stopEnded: never,
    shimGone: ["orphaned", "findRemains"],
    remainsGone: never,
    released: never,
    restartRequested: ["running", "stopFirst"],
    removeRequested: ["running", "killFirst"],
  },
  stopping: {
    shimForked: never,
    shimFailed: never,
    executed: never,
    startFailed: never,
    mainExited: ["remaining", "recordExit"],
    outputComplete: ["stopping"],
    treeGone: never,
    stopRequested: ["stopping", "signalTree"],
    killRequested: ["stopping", "killTree"],
    stopEnded: ["running"],
    shimGone: ["orphaned", "findRemains"],
    remainsGone: never,
    released: never,
    restartRequested: ["stopping", "stopFirst"],
    removeRequested: ["stopping", "killFirst"],
  },
  remaining: {
    shimForked: never,
    shimFailed: never,
    executed: never,
    startFailed: never,
    mainExited: never,
    outputComplete: ["remaining"],
    treeGone: ["exited", "settle"],
    stopRequested: ["remaining", "signalTree"],
    killRequested: ["remaining", "killTree"],
    stopEnded: ["remaining"],
    shimGone: ["remaining", "findRemains"],
    remainsGone: ["exited", "settle"],
    released: never,
    restartRequested: ["remaining", "stopFirst"],
    removeRequested: ["remaining", "killFirst"],
  },
  exited: {
    shimForked: never,
    shimFailed: never,
    executed: never,
    startFailed: never,
    mainExited: never,
    outputComplete: ["exited"],
    treeGone: never,
    stopRequested: ["exited"],
    killRequested: ["exited"],
    stopEnded: ["exited"],
    shimGone: ["exited"],
    remainsGone: never,
    released: ["exited"],
    restartRequested: ["exited", "beginRun"],
    removeRequested: ["exited", "deleteFiles"],
  },
  failed: {
    // The answer of the zygote may come after the ring has told all.
    shimForked: ["failed"],
    shimFailed: ["failed"],
    executed: never,
    startFailed: never,
    mainExited: never,
    outputComplete: ["failed"],
    treeGone: ["failed"],
    stopRequested: ["failed"],
    killRequested: ["failed"],
    stopEnded: never,
    shimGone: ["failed"],
    remainsGone: never,
    released: ["failed"],
    restartRequested: ["failed", "beginRun"],
    removeRequested: ["failed", "deleteFiles"],
  },
  orphaned: {
    shimForked: never,
    shimFailed: never,
    executed: never,
    startFailed: never,
    mainExited: never,
    outputComplete: never,
    treeGone: never,
    stopRequested: ["orphaned", "signalTree"],
    killRequested: ["orphaned", "killTree"],
    stopEnded: ["orphaned"],
    shimGone: ["orphaned"],
    remainsGone: ["lost", "settle"],
    released: never,
    restartRequested: ["orphaned", "stopFirst"],
    removeRequested: ["orphaned", "killFirst"],
  },
  lost: {
    shimForked: never,
    shimFailed: never,
    executed: never,
    startFailed: never,
    mainExited: never,
    outputComplete: never,
    treeGone: never,
    stopRequested: ["lost"],
    killRequested: ["lost"],
    stopEnded: ["lost"],
    shimGone: ["lost"],
    remainsGone: never,
    released: never,
    restartRequested: ["lost", "beginRun"],
    removeRequested: ["lost", "deleteFiles"],
  },
};

/** What an event leads to. Never throws: an impossible event changes nothing. */
export function transition(state: RunState, event: RunEvent): Transition {
  const cell = table[state][event];
  if (cell === never) return { next: state, effects: [], impossible: true };
  const [next, ...effects] = cell;
  return { next, effects, impossible: false };
}

const publicStates: Readonly<Record<RunState, PublicState>> = {
  starting: "starting",
  running: "running",
  stopping: "stopping",
  remaining: "exited",
  exited: "exited",
  failed: "failed",
  orphaned: "lost",
  lost: "lost",
};

export function publicState(state: RunState): PublicState {
  return publicStates[state];
}

/** Its main process will not run (any more). */
export function hasEnded(state: RunState): boolean {
  return state !== "starting" && state !== "running" && state !== "stopping";
}

/** Something of its tree lives, or may live. */
export function mayLive(state: RunState): boolean {
  return state === "running" || state === "stopping" || state === "remaining" || state === "orphaned";
}
