/**
 * The rules of the contract's comments. Each function returns the value in the
 * engine's terms; what breaks a rule is refused at its field, and the value
 * that is then returned is never used.
 */
import type { ProcessRef as ProtoProcessRef } from "../../../../gen/ts/pm/v1/process_pb.ts";
import {
  isIdPrefix,
  isLabelKey,
  isLabelValue,
  isName,
  isUuid,
  maxIdPrefixLength,
  maxLabels,
  minIdPrefixLength,
  nameRule,
} from "../../../common/contract-rules.ts";
import type { ProcessRef, Text } from "../../engine/api/index.ts";
import type { Field } from "./field.ts";

const nameRuleText = `must be ${nameRule}`;

/** PATH_MAX without the NUL that ends it (limits.h). */
const maxPathBytes = 4095;
const maxTokenLength = 1024;
const maxRequestIdLength = 64;

export const hourMs = 3600 * 1000;
export const dayMs = 24 * hourMs;

/** For error texts: never echoes more than a line of what a client sent. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}

/**
 * A BOM is part of the text, and what is not UTF-8 is no text. Strings are
 * compared in place of bytes wherever they can be, so that equal specs are equal.
 */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The string that bytes are, or the bytes where they are not UTF-8: a copy,
 * since they may be a piece of a request of megabytes, and of one class, since
 * specs are compared.
 */
export function textOfBytes(bytes: Uint8Array): Text {
  try {
    return utf8.decode(bytes);
  } catch {
    return new Uint8Array(bytes);
  }
}

/** Text that the operating system can take: no NUL, and no half of a surrogate pair, which UTF-8 cannot say. */
export function text(value: Text, at: Field): Text {
  if (typeof value === "string" ? value.includes("\0") : value.includes(0)) {
    at.refuse("must not contain a NUL character");
  } else if (typeof value === "string" && !value.isWellFormed()) {
    at.refuse("must be well-formed Unicode");
  }
  return value;
}

function path(value: Text, at: Field): Text {
  text(value, at);
  if ((typeof value === "string" ? Buffer.byteLength(value) : value.length) > maxPathBytes) {
    at.refuse(`must not be longer than ${maxPathBytes} bytes`);
  }
  return value;
}

export function executable(value: Text, at: Field): Text {
  if (value === "") {
    at.refuse("is required: a path, or the name of a program in PATH");
  }
  return path(value, at);
}

/** Empty stays empty: the engine's default. */
export function workingDirectory(value: Text, at: Field): Text {
  const isAbsolute = typeof value === "string" ? value.startsWith("/") : value[0] === 0x2f;
  if (value !== "" && !isAbsolute) {
    at.refuse(`must be an absolute path${typeof value === "string" ? `, not ${quote(value)}` : ""}`);
  }
  return path(value, at);
}

export function variableName(name: Text, at: Field): Text {
  const isName = typeof name === "string" ? name !== "" && !name.includes("=") : !name.includes(0x3d);
  if (!isName) {
    at.refuse('a name must have 1 or more characters without "="');
  }
  return text(name, at);
}

/** Empty: no name. */
export function processName(value: string, at: Field): string {
  if (value !== "" && !isName(value)) {
    at.refuse(`${nameRuleText}, not ${quote(value)}`);
  }
  return value;
}

/** Canonical lower case; empty: the engine makes one. */
export function newId(value: string, at: Field): string {
  if (value !== "" && !isUuid(value)) {
    at.refuse(`must be a UUID, not ${quote(value)}`);
  }
  return value.toLowerCase();
}

/** Canonical lower case. */
export function processId(value: string, at: Field): string {
  if (!isUuid(value)) {
    at.refuse(`must be a UUID, not ${quote(value)}`, "INVALID_ID", { id: value });
  }
  return value.toLowerCase();
}

export function idPrefix(value: string, at: Field): string {
  if (!isIdPrefix(value)) {
    at.refuse(
      `must be the first ${minIdPrefixLength} to ${maxIdPrefixLength} characters of a UUID, not ${quote(value)}`,
    );
  }
  return value.toLowerCase();
}

export function processRef(ref: ProtoProcessRef | undefined, at: Field): ProcessRef {
  const { case: kind, value } = ref?.ref ?? { case: undefined };
  if (kind === "id") {
    return { id: processId(value, at.child("id")) };
  }
  if (kind === undefined) {
    at.refuse("is required: a process's id or name");
    return { name: "" };
  }
  if (!isName(value)) {
    const hint = isUuid(value) ? "; a UUID belongs into `id`" : "";
    at.child("name").refuse(`${nameRuleText}, not ${quote(value)}${hint}`, "INVALID_ID", { id: value });
  }
  return { name: value };
}

export function labelKey(key: string, at: Field): string {
  if (!isLabelKey(key)) {
    at.refuse(
      `a label's key must be 1 to 63 letters, digits, ".", "_", "-" or "/", beginning and ending with a letter or digit, not ${quote(key)}`,
    );
  }
  return key;
}

export function labelValue(value: string, at: Field): string {
  if (!isLabelValue(value)) {
    at.refuse(
      `a label's value must be up to 63 letters, digits, ".", "_" or "-", beginning and ending with a letter or digit, not ${quote(value)}`,
    );
  }
  return value;
}

/** In order of their keys, so that equal labels are equal. */
export function labels(value: Readonly<Record<string, string>>, at: Field): Record<string, string> {
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length > maxLabels) {
    at.refuse(`must not be more than ${maxLabels}, are ${entries.length}`);
  }
  for (const [key, content] of entries) {
    labelKey(key, at);
    labelValue(content, at.key(key));
  }
  return Object.fromEntries(entries);
}

/** uint64 to a number, where everything beyond 2^53 means as much as 2^53. */
export function saturate(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

export function atLeast(value: number, minimum: number, at: Field): number {
  if (value < minimum) {
    at.refuse(`must be at least ${minimum}, not ${value}`);
  }
  return value;
}

export function within(value: number, minimum: number, maximum: number, at: Field): number {
  if (value < minimum || value > maximum) {
    at.refuse(`must be from ${minimum} to ${maximum}, not ${value}`);
  }
  return value;
}

export function atMost<T>(items: readonly T[], maximum: number, at: Field): readonly T[] {
  if (items.length > maximum) {
    at.refuse(`must not be more than ${maximum}, are ${items.length}`);
    // Each of them may be wrong, too: nobody reads so many violations.
    return [];
  }
  return items;
}

/** Opaque text that the daemon itself issued: only its length is checked here. */
export function token(value: string, at: Field): string {
  if (value.length > maxTokenLength) {
    at.refuse(`must not be longer than ${maxTokenLength} characters`);
  }
  return value;
}

/** Empty: none. */
export function requestId(value: string, at: Field): string {
  if (value.length > maxRequestIdLength) {
    at.refuse(`must not be longer than ${maxRequestIdLength} characters`);
  }
  return value;
}
