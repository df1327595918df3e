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

/** A protobuf Duration in JSON (decimal seconds with an "s") in milliseconds, exact to the microsecond. */
export function millisecondsFromJson(value: string): number {
  const seconds = /^-?\d+(\.\d+)?s$/.test(value) ? Number(value.slice(0, -1)) : Number.NaN;
  if (Number.isNaN(seconds)) {
    throw unreadable(`the duration "${value}"`);
  }
  return Math.round(seconds * 1e6) / 1e3;
}

/** Milliseconds as a protobuf Duration in JSON. */
export function durationToJson(milliseconds: number): `${number}s` {
  // toFixed() avoids exponents, which the format does not have.
  return `${(milliseconds / 1000).toFixed(6) as `${number}`}s`;
}

/** The SDK's word for an enum value of the contract. */
export function wordFromJson<Word extends string>(
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

function unreadable(what: string): PmError {
  return new PmError("PROTOCOL", `the daemon answered ${what}, which this version of the SDK does not know`, {
    code: "internal",
    hint: "use an SDK of the daemon's version",
  });
}
