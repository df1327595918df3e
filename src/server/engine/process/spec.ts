import { isDeepStrictEqual } from "node:util";
import type { ProcessSpec } from "../api/spec.ts";
import { EngineError } from "../errors.ts";
import { rlimitNumber } from "../limits/rlimits.ts";
import { signalName, signalNumber } from "../limits/signals.ts";
import type { ResolvedOptions } from "../options.ts";
import { PAGE } from "../shim/layout.ts";
import { isName } from "./references.ts";

const maxGraceMs = 24 * 3600 * 1000;

/**
 * The spec with every default filled in that does not depend on the moment,
 * and its maps in one order, so that two requests for the same thing are equal.
 * The edge validates what users see; here is refused what would do harm.
 */
export function normalizeSpec(spec: ProcessSpec, options: ResolvedOptions): ProcessSpec {
  if (spec.executable === "" || Buffer.byteLength(spec.executable) > 4095) {
    throw invalid("spec.executable", "the executable must have 1 to 4095 bytes");
  }
  checkNul("spec.executable", spec.executable);
  for (const [index, argument] of spec.args.entries()) checkNul(`spec.args[${index}]`, argument);
  for (const [key, value] of Object.entries(spec.env)) {
    if (key === "" || key.includes("="))
      throw invalid("spec.env", "the name of a variable is empty or has a '=' in it");
    checkNul("spec.env", key);
    checkNul(`spec.env[${key}]`, value);
  }
  checkNul("spec.cwd", spec.cwd);
  if (spec.cwd !== "" && !spec.cwd.startsWith("/")) {
    throw invalid("spec.cwd", `the working directory ${spec.cwd} must be an absolute path`);
  }
  if (spec.name !== "" && !isName(spec.name)) {
    throw invalid("spec.name", `${JSON.stringify(spec.name)} is not a valid name`);
  }
  const signal = spec.stop.signal === "" ? undefined : signalNumber(spec.stop.signal);
  if (spec.stop.signal !== "" && signal === undefined) {
    throw invalid("spec.stop.signal", `no signal "${spec.stop.signal}"`);
  }
  const { graceMs } = spec.stop;
  if (graceMs !== null && !(graceMs >= 0 && graceMs <= maxGraceMs)) {
    throw invalid("spec.stop.grace_period", "the grace period must be 0 to 24 hours");
  }
  if (spec.terminal !== null) checkTerminal("spec.terminal", spec.terminal);
  for (const [index, limit] of spec.limits.rlimits.entries()) {
    if (rlimitNumber(limit.resource) === undefined) {
      throw invalid(`spec.limits.rlimits[${index}].resource`, `no resource limit "${limit.resource}"`);
    }
  }
  return {
    executable: spec.executable,
    args: [...spec.args],
    env: sorted(spec.env),
    envMode: spec.envMode,
    cwd: spec.cwd,
    name: spec.name,
    labels: sorted(spec.labels),
    outputLimitBytes: outputLimit(spec.outputLimitBytes, options),
    stdin: spec.stdin,
    terminal: spec.terminal === null ? null : { rows: spec.terminal.rows, columns: spec.terminal.columns },
    limits: {
      rlimits: spec.limits.rlimits.map(({ resource, soft, hard }) => ({ resource, soft, hard })),
      memoryBytes: spec.limits.memoryBytes,
      cpuMillis: spec.limits.cpuMillis,
      processes: spec.limits.processes,
    },
    stop: { signal: signal === undefined ? "" : signalName(signal), graceMs },
  };
}

export function sameSpec(a: ProcessSpec, b: ProcessSpec): boolean {
  return isDeepStrictEqual(a, b);
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

export function invalid(field: string, message: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", message, { field });
}

function outputLimit(bytes: number, options: ResolvedOptions): number {
  if (bytes === 0) return options.defaultOutputLimitBytes;
  if (!Number.isSafeInteger(bytes) || bytes < PAGE) {
    throw invalid("spec.output_limit_bytes", `the output limit must be at least ${PAGE} bytes`);
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

function checkNul(field: string, text: string): void {
  if (text.includes("\0")) throw invalid(field, `${field} has a NUL character in it, which execve(2) cannot pass on`);
}

function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
