/** Times, durations and enums between the SDK's vocabulary and the contract's JSON. */
import { PmError } from "../errors.ts";

/** A protobuf Timestamp in JSON (RFC 3339, up to nanoseconds) as a Date. */
export function dateFromJson(value: string): Date {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) {
    throw unreadable(`the time "${value}"`);
  }
  return date;
}

/** A Date as a protobuf Timestamp in JSON. */
export function dateToJson(value: Date, option: string): string {
  if (Number.isNaN(value.getTime())) {
    throw invalidOption(option, "is no valid date");
  }
  return value.toISOString();
}

/** A protobuf Duration in JSON (decimal seconds with an "s") in milliseconds, exact to the microsecond. */
export function millisecondsFromJson(value: string): number {
  const seconds = /^-?\d+(\.\d+)?s$/.test(value) ? Number(value.slice(0, -1)) : Number.NaN;
  if (Number.isNaN(seconds)) {
    throw unreadable(`the duration "${value}"`);
  }
  return Math.round(seconds * 1e6) / 1e3;
}

/** Milliseconds as a protobuf Duration in JSON. */
export function durationToJson(milliseconds: number, option: string): `${number}s` {
  if (!Number.isFinite(milliseconds) || Math.abs(milliseconds) >= 1e15) {
    throw invalidOption(option, `is no number of milliseconds: ${milliseconds}`);
  }
  // toFixed() avoids exponents, which the format does not have.
  return `${(milliseconds / 1000).toFixed(6) as `${number}`}s`;
}

/** A count as a 64-bit integer in JSON. */
export function integerToJson(value: number, option: string): string {
  if (!Number.isSafeInteger(value)) {
    throw invalidOption(option, `is no whole number: ${value}`);
  }
  return String(value);
}

/** The SDK's word for an enum value of the contract. */
export function enumFromJson<Word extends string>(
  words: Readonly<Record<string, Word>>,
  value: string | undefined,
  what: string,
): Word {
  const word = value === undefined ? undefined : words[value];
  if (word === undefined) {
    throw unreadable(`${what} "${value}"`);
  }
  return word;
}

/** The contract's value for a word of the SDK. A word that there is not must not widen a request in silence. */
export function enumToJson<Value extends string, Word extends string>(
  words: Readonly<Record<Value, Word>>,
  word: Word,
  option: string,
): Value {
  for (const value of Object.keys(words) as Value[]) {
    if (words[value] === word) {
      return value;
    }
  }
  throw invalidOption(option, `is none of ${Object.values(words).join(", ")}: "${word}"`);
}

/** A message that a response must have; its absence is the daemon's fault. */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new PmError("PROTOCOL", `the daemon's response lacks "${what}"`, { code: "internal" });
  }
  return value;
}

/** What the caller gave cannot be sent. */
export function invalidOption(option: string, problem: string): PmError {
  return new PmError("INVALID_ARGUMENT", `the option "${option}" ${problem}`, {
    code: "invalid_argument",
    metadata: { field: option },
  });
}

function unreadable(what: string): PmError {
  return new PmError("PROTOCOL", `the daemon sent ${what}, which this version of the SDK does not know`, {
    code: "internal",
    hint: "use an SDK of the daemon's version",
  });
}
