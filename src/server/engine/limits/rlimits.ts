import { readFileSync } from "node:fs";
import { defaultRlimits } from "../../../common/default-rlimits.ts";
import type { ResourceLimit } from "../api/spec.ts";

/** RLIMIT_* of asm-generic/resource.h, as on x86-64 and arm64. */
const numbers: ReadonlyMap<string, number> = new Map([
  ["cpu", 0],
  ["fsize", 1],
  ["data", 2],
  ["stack", 3],
  ["core", 4],
  ["rss", 5],
  ["nproc", 6],
  ["nofile", 7],
  ["memlock", 8],
  ["as", 9],
  ["locks", 10],
  ["sigpending", 11],
  ["msgqueue", 12],
  ["nice", 13],
  ["rtprio", 14],
  ["rttime", 15],
]);

/** A limit as the shim sets it: `resource` is RLIMIT_*'s number, `null` is unlimited. */
export interface Rlimit {
  readonly resource: number;
  readonly soft: bigint | null;
  readonly hard: bigint | null;
}

/** The hard limits of this process by RLIMIT_*'s number; `null` is unlimited. */
export type HardLimits = readonly (bigint | null)[];

const unlimited = { soft: null, hard: null };

/**
 * All of a process's limits: first those that its spec names, in its order, then the defaults of the others, which are
 * never above this daemon's hard limits.
 */
export function allRlimits(given: readonly ResourceLimit[], hardLimits: HardLimits): readonly Rlimit[] {
  if (given.length > 0) return madeRlimits(given, hardLimits);
  let all = allDefaults.get(hardLimits);
  if (all === undefined) {
    all = madeRlimits(given, hardLimits);
    allDefaults.set(hardLimits, all);
  }
  return all;
}

/** Of specs that name none, which are most. */
const allDefaults = new WeakMap<HardLimits, readonly Rlimit[]>();

function madeRlimits(given: readonly ResourceLimit[], hardLimits: HardLimits): readonly Rlimit[] {
  const named = given.map(({ resource, soft, hard }) => ({ resource: numberOf(resource), soft, hard }));
  const rest = [...numbers]
    .filter(([name]) => given.every(({ resource }) => resource !== name))
    .map(([name, resource]) => {
      const { soft, hard } = defaultRlimits[name] ?? unlimited;
      const most = hardLimits[resource] ?? null;
      return { resource, soft: lower(soft, most), hard: lower(hard, most) };
    });
  return [...named, ...rest];
}

/** As /proc/self/limits has them, whose lines are in the order of the numbers (fs/proc/base.c). */
export function ownHardLimits(): HardLimits {
  const lines = readFileSync("/proc/self/limits", "latin1").trimEnd().split("\n").slice(1);
  return lines.map((line) => {
    const [, hard = ""] = line.slice(nameWidth).trim().split(/\s+/);
    return /^\d+$/.test(hard) ? BigInt(hard) : null;
  });
}

/** Of the first column of /proc/self/limits. */
const nameWidth = 26;

function lower(limit: bigint | null, most: bigint | null): bigint | null {
  return limit === null || (most !== null && limit > most) ? most : limit;
}

function numberOf(resource: string): number {
  const number = rlimitNumber(resource);
  if (number === undefined) throw new TypeError(`no resource limit ${JSON.stringify(resource)}`);
  return number;
}

/** The number of a resource by its lower-case name without "RLIMIT_". */
export function rlimitNumber(resource: string): number | undefined {
  return numbers.get(resource);
}
