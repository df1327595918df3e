import { readdirSync, readFileSync } from "node:fs";

/** What pm needs of proc_pid_stat(5) to tell one process from another. */
export interface ProcStat {
  readonly pid: number;
  /** At most 15 bytes. */
  readonly command: string;
  /** One letter, such as "S", "T" or "Z". */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Clock ticks since boot: with the pid it names a process for good. */
  readonly start: bigint;
}

/** Null: there is no such process. */
export function procStat(pid: number): ProcStat | null {
  if (pid <= 0) return null;
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return null;
  }
  // The name is in parentheses and may hold anything, so the last one counts.
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ");
  const start = fields[19];
  if (start === undefined) return null;
  return {
    pid,
    command: text.slice(text.indexOf("(") + 1, close),
    state: fields[0] ?? "",
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    start: BigInt(start),
  };
}

/** Whether this very process lives: it is there, and no zombie. */
export function lives(pid: number, start: bigint): boolean {
  const stat = procStat(pid);
  return stat !== null && stat.start === start && stat.state !== "Z" && stat.state !== "X";
}

export function allPids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

/**
 * All processes that live, as they were at some time of this turn of the event
 * loop: to look at thousands for each of thousands that end together would hold
 * up everybody else.
 */
export const livingProcesses = oncePerTurn((): readonly ProcStat[] =>
  allPids()
    .map(procStat)
    .filter((stat) => stat !== null)
    .filter(({ state }) => state !== "Z" && state !== "X"),
);

/** Answers all calls of one turn of the event loop alike. */
function oncePerTurn<T>(look: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => {
    if (known === null) {
      known = { value: look() };
      setImmediate(() => {
        known = null;
      });
    }
    return known.value;
  };
}
