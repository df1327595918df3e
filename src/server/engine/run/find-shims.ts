import { readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import { isUuid } from "../../../common/contract-rules.ts";
import { allPids, livingProcesses, procStat } from "../shim/proc-stat.ts";

const shimName = "pm-shim";

/** A shim that lives, found without any file of its run. */
export interface LivingShim {
  readonly id: string;
  readonly run: number;
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly start: bigint;
}

/** A shim's working directory is that of its run, even when that was deleted. */
export function findShims(runtimeDir: string, known: ReadonlySet<number>): LivingShim[] {
  const prefix = prefixOf(runtimeDir);
  return allPids().flatMap((pid) => (known.has(pid) ? [] : (shimAt(prefix, pid) ?? [])));
}

/** The shim of one run, whatever its files say. Null: none lives. */
export function findShim(runtimeDir: string, id: string, run: number): LivingShim | null {
  const prefix = prefixOf(runtimeDir);
  for (const { pid, command } of livingProcesses()) {
    const shim = command === shimName ? shimAt(prefix, pid) : null;
    if (shim?.id === id && shim.run === run) return shim;
  }
  return null;
}

/** Whether this process is the shim of this run. */
export function isShimOf(runtimeDir: string, pid: number, id: string, run: number): boolean {
  const shim = shimAt(prefixOf(runtimeDir), pid);
  return shim?.id === id && shim.run === run;
}

function prefixOf(runtimeDir: string): string {
  try {
    return `${realpathSync(runtimeDir)}/p/`;
  } catch {
    // Somebody removed it.
    return `${runtimeDir}/p/`;
  }
}

function shimAt(prefix: string, pid: number): LivingShim | null {
  let cwd: string;
  try {
    cwd = readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // Somebody else's, or it has ended.
    return null;
  }
  if (!cwd.startsWith(prefix)) return null;
  const [id = "", run = "", ...rest] = cwd
    .slice(prefix.length)
    .replace(/ \(deleted\)$/, "")
    .split("/");
  if (!isUuid(id) || !/^[1-9]\d{0,9}$/.test(run) || rest.length > 0) return null;
  const stat = procStat(pid);
  if (stat === null || stat.command !== shimName || stat.state === "Z" || stat.state === "X") return null;
  return { id, run: Number(run), pid, start: stat.start };
}

/**
 * Where a living shim has a file of its run open whose name is gone: opening
 * that opens the file itself (proc_pid_fd(5)). Null: it has not, or the name is
 * still that of the file.
 */
export function openFileOf(pid: number, path: string): string | null {
  const directory = `/proc/${pid}/fd`;
  const name = basename(path);
  const named = statSync(path, { throwIfNoEntry: false });
  try {
    for (const fd of readdirSync(directory)) {
      const target = readlinkSync(`${directory}/${fd}`).replace(/ \(deleted\)$/, "");
      if (!target.endsWith(`/${name}`)) continue;
      return statSync(`${directory}/${fd}`).ino === named?.ino ? null : `${directory}/${fd}`;
    }
  } catch {
    // It has ended, or is not ours to look into.
  }
  return null;
}
