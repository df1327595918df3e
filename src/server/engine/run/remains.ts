import { lives, livingProcesses, procStat } from "../shim/proc-stat.ts";

/** One process of a tree that has lost its shim. */
export interface Remnant {
  readonly pid: number;
  readonly start: bigint;
}

/**
 * What lives of a tree whose shim was killed: those that are known of it, as a
 * rule the main process, whatever is in their sessions or process groups, and
 * all their descendants. The kernel kills the main process with its shim
 * (PR_SET_PDEATHSIG), unless its credentials have changed since: setuid programs
 * live on.
 *
 * Looked for at once when the shim is gone: as long as a session or group has a
 * member, the kernel gives its number to nobody else. What left both and lost
 * its parent is not found.
 */
export function findRemains(members: readonly Remnant[]): Remnant[] {
  const known = new Map<number, bigint>();
  for (const { pid, start } of members) {
    const stat = pid > 1 ? procStat(pid) : undefined;
    // Where another process has taken the number, nothing of the session is left.
    if (stat === null || stat?.start === start) known.set(pid, start);
  }
  if (known.size === 0) return [];
  const stats = livingProcesses();
  const found = new Set(
    stats.filter(({ pid, session, group, start }) =>
      [pid, session, group].some((number) => start >= (known.get(number) ?? start + 1n)),
    ),
  );
  for (const member of found) {
    for (const stat of stats) if (stat.parent === member.pid) found.add(stat);
  }
  // Some may have ended since.
  return [...found].map(({ pid, start }) => ({ pid, start })).filter(({ pid, start }) => lives(pid, start));
}

/** Those of them that still live, with the children that they have made since. */
export function refreshRemains(remains: readonly Remnant[]): Remnant[] {
  const living = remains.filter(({ pid, start }) => lives(pid, start));
  if (living.length === 0) return [];
  const known = new Map(living.map((remnant) => [remnant.pid, remnant]));
  const stats = livingProcesses();
  for (const { pid } of known.values()) {
    for (const stat of stats) {
      if (stat.parent !== pid || known.has(stat.pid) || !lives(stat.pid, stat.start)) continue;
      known.set(stat.pid, { pid: stat.pid, start: stat.start });
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
