import { readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import { isUuid } from "../../../common/contract-rules.ts";
import { allPids, procStat } from "../shim/proc-stat.ts";

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
  const prefix = `${realpathSync(runtimeDir)}/p/`;
  const found: LivingShim[] = [];
  for (const pid of allPids()) {
    if (known.has(pid)) continue;
    let cwd: string;
    try {
      cwd = readlinkSync(`/proc/${pid}/cwd`);
    } catch {
      // Somebody else's, or it has ended.
      continue;
    }
    if (!cwd.startsWith(prefix)) continue;
    const [id = "", run = "", ...rest] = cwd
      .slice(prefix.length)
      .replace(/ \(deleted\)$/, "")
      .split("/");
    if (!isUuid(id) || !/^[1-9]\d{0,9}$/.test(run) || rest.length > 0) continue;
    const stat = procStat(pid);
    if (stat === null || stat.command !== "pm-shim" || stat.state === "Z" || stat.state === "X") continue;
    found.push({ id, run: Number(run), pid, start: stat.start });
  }
  return found;
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
