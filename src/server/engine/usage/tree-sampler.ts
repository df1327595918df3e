import type { ProcessUsage, TreeMember } from "../api/usage.ts";
import { commandLine, schedulingStates } from "../run/survivors.ts";
import { type ProcStat, ProcTask, readIo } from "./proc-files.ts";

/** Processes of one tree that are looked at; a fork bomb must not hold the daemon up. */
const TREE_LIMIT = 4096;
const MEMBER_LIMIT = 256;

/** Samples one run: everything below its shim. */
export class TreeSampler {
  readonly run: number;
  readonly shimPid: number;
  readonly #shim: ProcTask;
  #tasks = new Map<number, ProcTask>();
  #orphans: number[] = [];
  #cpuMicros: number | null = null;
  #time = 0;

  constructor(run: number, shimPid: number) {
    this.run = run;
    this.shimPid = shimPid;
    this.#shim = new ProcTask(shimPid);
  }

  /**
   * @param main pid of the main process, 0 if it has ended
   * @param orphans look for what the shim adopted, too
   * @returns null if nothing lives
   */
  sample(id: string, main: number, options: { io: boolean; members: boolean; orphans: boolean }): ProcessUsage | null {
    if (options.orphans || main === 0) {
      this.#orphans = [];
      this.#shim.addChildren(1, this.#orphans);
    }
    const time = performance.now();
    const queue = main > 0 ? [main, ...this.#orphans.filter((pid) => pid !== main)] : this.#orphans.slice();
    const tasks = new Map<number, ProcTask>();
    const members: TreeMember[] = [];
    let cpuMicros = 0;
    let residentBytes = 0;
    let io: { readBytes: number; writtenBytes: number } | null = null;
    let count = 0;
    for (let i = 0; i < queue.length && count < TREE_LIMIT; i++) {
      const pid = queue[i] ?? 0;
      if (tasks.has(pid)) continue;
      const task = this.#tasks.get(pid) ?? new ProcTask(pid);
      this.#tasks.delete(pid);
      tasks.set(pid, task);
      const stat = task.stat();
      if (stat === null || stat.state === "X") {
        task.close();
        tasks.delete(pid);
        continue;
      }
      cpuMicros += stat.cpuMicros;
      // What waits to be reaped has used its time but is no process any more.
      if (stat.state === "Z") continue;
      count++;
      residentBytes += stat.residentBytes;
      task.addChildren(stat.threads, queue);
      if (options.io) io = addIo(io, pid);
      if (options.members && members.length < MEMBER_LIMIT) members.push(describe(pid, stat, tasks));
    }
    for (const task of this.#tasks.values()) task.close();
    this.#tasks = tasks;
    if (count === 0) return null;
    const before = this.#cpuMicros;
    const elapsedMicros = (time - this.#time) * 1000;
    this.#cpuMicros = cpuMicros;
    this.#time = time;
    return {
      id,
      run: this.run,
      cpuMicros,
      cpuPercent: before === null ? null : (Math.max(0, cpuMicros - before) / elapsedMicros) * 100,
      residentBytes,
      io,
      descendants: count - (main > 0 && tasks.has(main) ? 1 : 0),
      members,
    };
  }

  close(): void {
    this.#shim.close();
    for (const task of this.#tasks.values()) task.close();
    this.#tasks.clear();
  }
}

function describe(pid: number, stat: ProcStat, tree: ReadonlyMap<number, ProcTask>): TreeMember {
  return {
    pid,
    parentPid: tree.has(stat.parent) ? stat.parent : 0,
    command: commandLine(pid) ?? `[${pid}]`,
    state: schedulingStates[stat.state] ?? stat.state,
    cpuMicros: stat.cpuMicros,
    residentBytes: stat.residentBytes,
  };
}

function addIo(
  sum: { readBytes: number; writtenBytes: number } | null,
  pid: number,
): { readBytes: number; writtenBytes: number } | null {
  const io = readIo(pid);
  if (io === null || sum === null) return io ?? sum;
  return { readBytes: sum.readBytes + io.readBytes, writtenBytes: sum.writtenBytes + io.writtenBytes };
}
