/**
 * The rules of the contract's comments, checked at the edge. Each function
 * returns the value in the engine's terms or throws INVALID_ARGUMENT that names
 * the field by its path in the request. Process references are the engine's to
 * check, which resolves them.
 */
import { EngineError } from "../engine/errors.ts";

const nameRule = /^[A-Za-z_][A-Za-z0-9._-]{0,62}$/;
const labelKeyRule = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;
const labelValueRule = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const uuidRule = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

/** PATH_MAX without the NUL that ends it (limits.h). */
const maxPathBytes = 4095;
const maxLabels = 64;
const maxTokenLength = 1024;

export const dayMs = 24 * 3600 * 1000;
export const hourMs = 3600 * 1000;

export function invalid(field: string, problem: string): EngineError {
  return new EngineError("INVALID_ARGUMENT", `${field}: ${problem}`, { field });
}

/** For error texts: never echoes more than a line of what a client sent. */
export function quote(value: string): string {
  const shown = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  return JSON.stringify(shown);
}

/** Text that the operating system can take: no NUL, and no half of a surrogate pair, which UTF-8 cannot say. */
export function text(field: string, value: string): string {
  if (value.includes("\0")) {
    throw invalid(field, "must not contain a NUL character");
  }
  if (!value.isWellFormed()) {
    throw invalid(field, "must be well-formed Unicode");
  }
  return value;
}

function path(field: string, value: string): string {
  text(field, value);
  if (Buffer.byteLength(value) > maxPathBytes) {
    throw invalid(field, `must not be longer than ${maxPathBytes} bytes`);
  }
  return value;
}

export function executable(field: string, value: string): string {
  if (value === "") {
    throw invalid(field, "is required: a path, or the name of a program in PATH");
  }
  return path(field, value);
}

/** Empty stays empty: the engine's default. */
export function workingDirectory(field: string, value: string): string {
  path(field, value);
  if (value !== "" && !value.startsWith("/")) {
    throw invalid(field, `must be an absolute path, not ${quote(value)}`);
  }
  return value;
}

export function environment(field: string, env: Readonly<Record<string, string>>): Record<string, string> {
  // No prototype: "__proto__" is a legal variable like any other.
  const checked: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(env)) {
    if (key === "" || key.includes("=")) {
      throw invalid(field, `a key must have one or more characters without "=", not ${quote(key)}`);
    }
    text(field, key);
    // The value may be a secret: the error names the key alone.
    checked[key] = text(`${field}[${quote(key)}]`, value);
  }
  return checked;
}

/** Empty: no name. */
export function processName(field: string, value: string): string {
  if (value !== "" && !nameRule.test(value)) {
    throw invalid(
      field,
      `must be a letter or "_" and then up to 62 letters, digits, ".", "_" or "-", not ${quote(value)}`,
    );
  }
  return value;
}

export function labelKey(field: string, key: string): string {
  if (!labelKeyRule.test(key)) {
    throw invalid(
      field,
      `a label's key must be 1 to 63 letters, digits, ".", "_", "-" or "/", beginning and ending with a letter or digit, not ${quote(key)}`,
    );
  }
  return key;
}

export function labelValue(field: string, value: string): string {
  if (!labelValueRule.test(value)) {
    throw invalid(
      field,
      `a label's value must be up to 63 letters, digits, ".", "_" or "-", beginning and ending with a letter or digit, not ${quote(value)}`,
    );
  }
  return value;
}

export function labels(field: string, value: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(value);
  if (entries.length > maxLabels) {
    throw invalid(field, `must not be more than ${maxLabels}, are ${entries.length}`);
  }
  return Object.fromEntries(entries.map(([key, v]) => [labelKey(field, key), labelValue(`${field}[${key}]`, v)]));
}

/** Canonical lower case; empty: the engine makes one. */
export function newId(field: string, value: string): string {
  if (value !== "" && !uuidRule.test(value)) {
    throw invalid(field, `must be a UUID, not ${quote(value)}`);
  }
  return value.toLowerCase();
}

/** uint64 to a number, where everything beyond 2^53 means as much as 2^53. */
export function saturate(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

export function atLeast(field: string, value: number, minimum: number): number {
  if (value < minimum) {
    throw invalid(field, `must be at least ${minimum}, not ${value}`);
  }
  return value;
}

export function within(field: string, value: number, minimum: number, maximum: number): number {
  if (value < minimum || value > maximum) {
    throw invalid(field, `must be from ${minimum} to ${maximum}, not ${value}`);
  }
  return value;
}

/** Opaque text that the daemon itself issued: only its length is checked here. */
export function token(field: string, value: string): string {
  if (value.length > maxTokenLength) {
    throw invalid(field, `must not be longer than ${maxTokenLength} characters`);
  }
  return value;
}
