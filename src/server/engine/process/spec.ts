import { isDeepStrictEqual } from "node:util";
import type { EffectiveSpec } from "../api/run.ts";
import type { EnvironmentVariable, ProcessSpec, Text } from "../api/spec.ts";
import { EngineError } from "../errors.ts";
import { rlimitNumber } from "../limits/rlimits.ts";
import { signalName, signalNumber } from "../limits/signals.ts";
import type { ResolvedOptions } from "../options.ts";
import { PAGE } from "../shim/layout.ts";
import { isName, isUuid } from "./references.ts";
import { byteLength, bytesOf, copyOf, hasByte, isEmpty, show } from "./text.ts";

const maxGraceMs = 24 * 3600 * 1000;
const slash = 0x2f;
const equalsSign = 0x3d;

/**
 * The spec with every default filled in that does not depend on the moment,
 * and its maps in one order, so that two requests for the same thing are equal.
 * The edge validates what users see; here is refused what would do harm.
 */
export function normalizeSpec(spec: ProcessSpec, options: ResolvedOptions): ProcessSpec {
  const executableBytes = byteLength(spec.executable);
  if (executableBytes === 0 || executableBytes > 4095) {
    throw invalid("spec.executable", "the executable must have 1 to 4095 bytes");
  }
  checkNul("spec.executable", spec.executable);
  for (const [index, argument] of spec.args.entries()) checkNul(`spec.args[${index}]`, argument);
  for (const { name, value } of spec.env) {
    if (isEmpty(name) || hasByte(name, equalsSign)) {
      throw invalid("spec.env", "the name of a variable is empty or has a '=' in it");
    }
    checkNul("spec.env", name);
    checkNul(`spec.env[${show(name)}]`, value);
  }
  checkNul("spec.cwd", spec.cwd);
  if (!isEmpty(spec.cwd) && bytesOf(spec.cwd)[0] !== slash) {
    throw invalid("spec.cwd", `the working directory ${show(spec.cwd)} must be an absolute path`);
  }
  const signal = spec.stop.signal === "" ? undefined : signalNumber(spec.stop.signal);
  if (spec.stop.signal !== "" && signal === undefined) {
    throw invalid("spec.stop.signal", `no signal "${spec.stop.signal}"`);
  }
  const { graceMs } = spec.stop;
  if (graceMs !== null && !isGracePeriod(graceMs)) {
    throw invalid("spec.stop.grace_period", "the grace period must be 0 to 24 hours");
  }
  if (spec.terminal !== null) checkTerminal("spec.terminal", spec.terminal);
  for (const [index, limit] of spec.limits.rlimits.entries()) {
    if (rlimitNumber(limit.resource) === undefined) {
      throw invalid(`spec.limits.rlimits[${index}].resource`, `no resource limit "${limit.resource}"`);
    }
  }
  checkRange("spec.umask", spec.umask, 0, 0o777);
  checkRange("spec.nice", spec.nice, -20, 19);
  checkRange("spec.oom_score_adj", spec.oomScoreAdj, -1000, 1000);
  return {
    executable: copyOf(spec.executable),
    args: spec.args.map(copyOf),
    env: sortedVariables(spec.env),
    envMode: spec.envMode,
    cwd: copyOf(spec.cwd),
    output: { limitBytes: outputLimit(spec.output.limitBytes, options), whenFull: spec.output.whenFull },
    stdin: spec.stdin,
    terminal: spec.terminal === null ? null : { rows: spec.terminal.rows, columns: spec.terminal.columns },
    limits: {
      rlimits: spec.limits.rlimits.map(({ resource, soft, hard }) => ({ resource, soft, hard })),
      memoryBytes: spec.limits.memoryBytes,
      cpuMillis: spec.limits.cpuMillis,
      processes: spec.limits.processes,
    },
    stop: { signal: signal === undefined ? "" : signalName(signal), graceMs },
    umask: spec.umask,
    nice: spec.nice,
    oomScoreAdj: spec.oomScoreAdj,
    ...(spec.policy === undefined ? {} : { policy: spec.policy }),
  };
}

/** What defaults make of a normalized spec. */
export function effectiveSpec(spec: ProcessSpec, options: ResolvedOptions): EffectiveSpec {
  return {
    cwd: show(isEmpty(spec.cwd) ? options.home : spec.cwd),
    outputLimitBytes: spec.output.limitBytes,
    stopSignal: spec.stop.signal || "SIGTERM",
    stopGraceMs: spec.stop.graceMs ?? options.defaultGraceMs,
    umask: spec.umask ?? 0o022,
    nice: spec.nice ?? 0,
    oomScoreAdj: spec.oomScoreAdj ?? 0,
  };
}

export function sameSpec(a: ProcessSpec, b: ProcessSpec): boolean {
  return isDeepStrictEqual(a, b);
}

/** Labels in one order. */
export function normalizeLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A name that looks like a UUID would stand in the way of the process that has it. */
export function checkNameSyntax(field: string, name: string): void {
  if (name === "") return;
  if (!isName(name)) throw invalid(field, `${JSON.stringify(name)} is not a valid name`);
  if (isUuid(name.toLowerCase())) throw invalid(field, `the name ${name} looks like a UUID`);
}

export function checkTerminal(field: string, size: { rows: number; columns: number }): void {
  for (const [key, value] of [
    ["rows", size.rows],
    ["columns", size.columns],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > 0xffff) {
      throw invalid(`${field}.${key}`, "a terminal has 1 to 65535 rows and columns");
    }
  }
}

export function isGracePeriod(ms: number): boolean {
  return ms >= 0 && ms <= maxGraceMs;
}

export function invalid(field: string, message: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", message, { field });
}

function outputLimit(bytes: number, options: ResolvedOptions): number {
  if (bytes === 0) return options.defaultOutputLimitBytes;
  if (!Number.isSafeInteger(bytes) || bytes < PAGE) {
    throw invalid("spec.output.limit_bytes", `the output limit must be at least ${PAGE} bytes`);
  }
  if (bytes > options.maxOutputLimitBytes) {
    throw new EngineError(
      "LIMIT_EXCEEDED",
      `the output limit of ${bytes} bytes is above this daemon's maximum of ${options.maxOutputLimitBytes}`,
      { limit: "max_output_limit_bytes" },
    );
  }
  return bytes;
}

function checkNul(field: string, text: Text): void {
  if (hasByte(text, 0)) throw invalid(field, `${field} has a NUL character in it, which execve(2) cannot pass on`);
}

function checkRange(field: string, value: number | null, least: number, most: number): void {
  if (value === null || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw invalid(field, `${field} must be ${least} to ${most}`);
}

function sortedVariables(variables: readonly EnvironmentVariable[]): EnvironmentVariable[] {
  return variables
    .map(({ name, value }) => ({ name: copyOf(name), value: copyOf(value), key: bytesOf(name) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ name, value }) => ({ name, value }));
}
