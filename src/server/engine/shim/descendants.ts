import { readdirSync, readFileSync } from "node:fs";
import { type ProcStat, procStat } from "./proc-stat.ts";

export interface LiveProcess {
  readonly pid: number;
  /** The command name of proc_pid_stat(5), at most 15 bytes. */
  readonly command: string;
  /** The state letter of proc_pid_stat(5), such as "S" or "D". */
  readonly state: string;
}

const LIMIT = 64;
/** Bounds the walk, not the result: zombies and races included. */
const VISIT_LIMIT = 4096;

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "latin1").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    // Ended meanwhile: its children are found below whoever adopted them.
    return [];
  }
}

function describe(pid: number): LiveProcess | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const close = stat.lastIndexOf(")");
    const state = stat.slice(close + 2, close + 3);
    return { pid, command: stat.slice(stat.indexOf("(") + 1, close), state };
  } catch {
    return null;
  }
}

/** Who lives below a shim, as `survivors` finds them, at most 4096. */
export function membersOf(shimPid: number): ProcStat[] {
  return survivors(shimPid, VISIT_LIMIT)
    .map(({ pid }) => procStat(pid))
    .filter((stat) => stat !== null);
}

/** The living processes below a shim, parents first, zombies excluded. */
export function survivors(shimPid: number, limit = LIMIT): LiveProcess[] {
  const found: LiveProcess[] = [];
  const seen = new Set<number>();
  const queue = childrenOf(shimPid);
  for (const pid of queue) {
    if (found.length === limit || seen.size === VISIT_LIMIT) {
      break;
    }
    if (seen.has(pid)) {
      continue;
    }
    seen.add(pid);
    const process = describe(pid);
    if (process && process.state !== "Z" && process.state !== "X") {
      found.push(process);
    }
    queue.push(...childrenOf(pid));
  }
  return found;
}
