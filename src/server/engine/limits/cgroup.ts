import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { TreeLimits } from "../api/spec.ts";
import { hasCode } from "../shim/system-error.ts";

const controllersNeeded = ["memory", "cpu", "pids"];
const cpuPeriodMicros = 100_000;

/**
 * One cgroup v2 directory per run, below a subtree that was delegated to the
 * daemon (https://docs.kernel.org/admin-guide/cgroup-v2.html). Without one
 * nothing here does anything, and limits that need one are refused before.
 */
export class Cgroups {
  readonly #root: string | null;

  constructor(root: string | null) {
    this.#root = root;
  }

  get available(): boolean {
    return this.#root !== null;
  }

  /**
   * Makes a run's cgroup and sets its limits.
   *
   * @returns its directory, or "" without cgroups.
   * @throws a Node system error.
   */
  enter(id: string, run: number, limits: TreeLimits): string {
    if (this.#root === null) return "";
    const directory = this.#directory(this.#root, id, run);
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    setLimits(directory, limits);
    return directory;
  }

  /**
   * Sets the limits of a run that an earlier daemon began: a service manager that starts the daemon anew may have had to
   * take the controllers away (see `serviceUnit`).
   *
   * @throws a Node system error.
   */
  renew(id: string, run: number, limits: TreeLimits): void {
    if (this.#root === null) return;
    const directory = this.#directory(this.#root, id, run);
    if (existsSync(directory)) setLimits(directory, limits);
  }

  /** Kills everything in a run's cgroup at once, where the kernel can (5.14). */
  kill(id: string, run: number): void {
    if (this.#root !== null) writeIfPresent(join(this.#directory(this.#root, id, run), "cgroup.kill"), "1");
  }

  /** Removes a run's empty cgroup. Answers whether the out-of-memory killer struck in it. */
  leave(id: string, run: number): boolean {
    if (this.#root === null) return false;
    const directory = this.#directory(this.#root, id, run);
    let killed = false;
    try {
      const events = readFileSync(join(directory, "memory.events"), "utf8");
      killed = Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0) > 0;
    } catch {
      // No cgroup, or none with the memory controller.
    }
    try {
      rmdirSync(directory);
    } catch {
      // Missing, or a zombie is still in it: the sweep at the next start of a daemon takes it.
    }
    return killed;
  }

  /** Removes the empty cgroups of runs that `known` does not know. */
  sweep(known: (id: string, run: number) => boolean): void {
    if (this.#root === null) return;
    for (const entry of readdirSync(this.#root, { withFileTypes: true })) {
      const match = /^pm-([0-9a-f-]{36})-(\d+)$/.exec(entry.name);
      if (!entry.isDirectory() || match?.[1] === undefined || known(match[1], Number(match[2]))) continue;
      try {
        rmdirSync(join(this.#root, entry.name));
      } catch {
        // Something lives in it: not ours to judge.
      }
    }
  }

  #directory(root: string, id: string, run: number): string {
    return join(root, `pm-${id}-${run}`);
  }
}

function setLimits(directory: string, limits: TreeLimits): void {
  if (limits.memoryBytes !== null) writeFileSync(join(directory, "memory.max"), String(limits.memoryBytes));
  if (limits.cpuMillis !== null) {
    const quota = Math.max(1000, (limits.cpuMillis * cpuPeriodMicros) / 1000);
    writeFileSync(join(directory, "cpu.max"), `${quota} ${cpuPeriodMicros}`);
  }
  if (limits.processes !== null) writeFileSync(join(directory, "pids.max"), String(limits.processes));
}

/** The limits that need a cgroup, by field name, of those that are asked for. */
export function cgroupLimitFields(limits: TreeLimits): string[] {
  const fields: string[] = [];
  if (limits.memoryBytes !== null) fields.push("memory_bytes");
  if (limits.cpuMillis !== null) fields.push("cpu_millis");
  if (limits.processes !== null) fields.push("processes");
  return fields;
}

/** Where the daemon itself is, in its subtree: systemd puts it there (`DelegateSubgroup=`), or it moves. */
const ownLeaf = "pm-daemon";

export interface Place {
  /** Text of /proc/self/cgroup. */
  readonly cgroup: string;
  /** Text of /proc/self/mountinfo. */
  readonly mounts: string;
  readonly user: number;
}

function ownPlace(): Place {
  return {
    cgroup: readFileSync("/proc/self/cgroup", "utf8"),
    mounts: readFileSync("/proc/self/mountinfo", "utf8"),
    user: process.geteuid?.() ?? 0,
  };
}

/**
 * The cgroup v2 subtree that was delegated to this daemon's user, or null: the
 * daemon's own cgroup if it is not the root, belongs to the user, is writable,
 * has all controllers needed, and holds no other process (a systemd unit with
 * `Delegate=yes`); or the one above, if its own is the leaf that it or systemd
 * has made for it. Everything belongs to the superuser, so ownership tells it
 * nothing: a daemon of root must be told its subtree.
 */
export function findDelegatedSubtree({ cgroup, mounts, user }: Place = ownPlace()): string | null {
  try {
    const own = /^0::(\/.*)$/m.exec(cgroup)?.[1];
    const mount = /^\S+ \S+ \S+ \S+ (\S+) [^\n]* - cgroup2 /m.exec(mounts)?.[1];
    if (own === undefined || mount === undefined || own === "/" || user === 0) return null;
    const isLeaf = basename(own) === ownLeaf;
    const directory = join(mount, isLeaf ? dirname(own) : own);
    for (const file of ["", "cgroup.procs", "cgroup.subtree_control"]) {
      accessSync(join(directory, file), constants.W_OK);
    }
    if (statSync(directory).uid !== user) return null;
    const controllers = readFileSync(join(directory, "cgroup.controllers"), "utf8").trim().split(/\s+/);
    if (!controllersNeeded.every((controller) => controllers.includes(controller))) return null;
    return isLeaf || holdsOnlyThisProcess(directory) ? directory : null;
  } catch {
    // No cgroup v2, or none that this user may write to.
    return null;
  }
}

/**
 * Makes a subtree ready to be divided: a cgroup that hands controllers on may
 * hold no process itself, so the daemon moves into a leaf of it first.
 *
 * @throws a Node system error.
 */
export function claimSubtree(directory: string): void {
  if (holdsOnlyThisProcess(directory)) {
    const leaf = join(directory, ownLeaf);
    mkdirSync(leaf, { recursive: true });
    writeFileSync(join(leaf, "cgroup.procs"), String(process.pid));
  }
  const enable = controllersNeeded.map((controller) => `+${controller}`).join(" ");
  writeIfPresent(join(directory, "cgroup.subtree_control"), enable);
}

function holdsOnlyThisProcess(directory: string): boolean {
  try {
    return readFileSync(join(directory, "cgroup.procs"), "utf8").trim() === String(process.pid);
  } catch {
    return false;
  }
}

function writeIfPresent(path: string, text: string): void {
  try {
    const file = openSync(path, constants.O_WRONLY | constants.O_TRUNC);
    try {
      writeSync(file, text);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ENODEV")) throw error;
  }
}
