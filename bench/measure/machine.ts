/** What the figures were measured on. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** One, five and fifteen minutes before the measurement began. */
  readonly load: readonly number[];
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    load: loadavg().map((value) => Math.round(value * 100) / 100),
  };
}

/** The commit that is measured, with "+" if the tree differs from it; "": there is no git. */
export function builtCommit(): string {
  const { status, stdout } = spawnSync("git", ["describe", "--always", "--dirty=+"], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  return status === 0 ? stdout.trim() : "";
}

/** Resident memory of a process, bytes (proc_pid_statm(5)). */
export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * 4096;
}

/**
 * Proportional memory (shared pages count in parts) of the mappings that are no
 * files below `directory`, from the text of proc_pid_smaps(5). Bytes.
 */
export function proportionalBytesOutside(smaps: string, directory: string): number {
  let kilobytes = 0;
  let counts = true;
  for (const line of smaps.split("\n")) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) counts = !line.includes(` ${directory}/`);
    else if (counts && line.startsWith("Pss:")) kilobytes += Number.parseInt(line.slice(4), 10);
  }
  return kilobytes * 1024;
}

/** Processor time used so far, seconds (proc_pid_stat(5)). */
export function cpuSeconds(pid: number): number {
  return statSeconds(pid, 11);
}

/** Processor time of children that have ended and were waited for, with all of theirs, seconds. */
export function reapedCpuSeconds(pid: number): number {
  return statSeconds(pid, 13);
}

/** @param at where the user's time stands, counted from the state; the system's is the next. */
function statSeconds(pid: number, at: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[at]) + Number(fields[at + 1])) / 100;
}

/** The only child of a daemon. */
export function zygoteOf(daemonPid: number): number {
  const [first] = readFileSync(`/proc/${daemonPid}/task/${daemonPid}/children`, "latin1").split(" ");
  if (!first) throw new Error("the daemon has no zygote");
  return Number(first);
}
