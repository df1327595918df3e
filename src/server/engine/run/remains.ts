import { allPids, lives, procStat } from "../shim/proc-stat.ts";

/** One process of a tree that has lost its shim. */
export interface Remnant {
  readonly pid: number;
  readonly start: bigint;
}

/**
 * What lives of a tree whose shim was killed: the main process, whatever is in
 * its session or process group, and all their descendants. The kernel kills the
 * main process with its shim (PR_SET_PDEATHSIG), unless its credentials have
 * changed since: setuid programs live on.
 *
 * Looked for at once when the shim is gone: as long as a session or group has a
 * member, the kernel gives its number to nobody else. What left both and lost
 * its parent is not found.
 */
export function findRemains(childPid: number, childStart: bigint): Remnant[] {
  if (childPid <= 1) return [];
  const main = procStat(childPid);
  // Another process has taken the number, so nothing of the session is left.
  if (main !== null && main.start !== childStart) return [];
  const stats = allPids()
    .map(procStat)
    .filter((stat) => stat !== null)
    .filter(({ state, start }) => state !== "Z" && state !== "X" && start >= childStart);
  const found = new Set(
    stats.filter(({ pid, session, group }) => pid === childPid || session === childPid || group === childPid),
  );
  for (const member of found) {
    for (const stat of stats) if (stat.parent === member.pid) found.add(stat);
  }
  return [...found].map(({ pid, start }) => ({ pid, start }));
}

/** Those of them that still live, with the children that they have made since. */
export function refreshRemains(remains: readonly Remnant[]): Remnant[] {
  const living = remains.filter(({ pid, start }) => lives(pid, start));
  if (living.length === 0) return [];
  const known = new Map(living.map((remnant) => [remnant.pid, remnant]));
  const stats = allPids()
    .map(procStat)
    .filter((stat) => stat !== null && stat.state !== "Z" && stat.state !== "X");
  for (const { pid } of known.values()) {
    for (const stat of stats) {
      if (stat?.parent === pid && !known.has(stat.pid)) known.set(stat.pid, { pid: stat.pid, start: stat.start });
    }
  }
  return [...known.values()];
}

/** Sends a signal to each of them. Answers the first errno other than ESRCH; 0: done. */
export function signalRemains(remains: readonly Remnant[], signal: number): number {
  let failed = 0;
  for (const { pid, start } of remains) {
    if (!lives(pid, start)) continue;
    try {
      process.kill(pid, signal);
    } catch (error) {
      const errno = error instanceof Error && "errno" in error ? -Number(error.errno) : 5;
      if (errno !== 3 && failed === 0) failed = errno;
    }
  }
  return failed;
}
