import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import type { Field } from "../edge/field.ts";

const nanosPerSecond = 1_000_000_000n;
const nanosPerMilli = 1_000_000;

export function timestampFromNanos(nanos: bigint): Timestamp {
  return timestamp(nanos / nanosPerSecond, Number(nanos % nanosPerSecond));
}

export function optionalTimestamp(nanos: bigint | null): Timestamp | undefined {
  return nanos === null ? undefined : timestampFromNanos(nanos);
}

/** To the millisecond: what the shim's index promises. */
export function timestampFromMicros(micros: number): Timestamp {
  const millis = Math.floor(micros / 1000);
  return timestamp(BigInt(Math.floor(millis / 1000)), (millis % 1000) * nanosPerMilli);
}

function timestamp(seconds: bigint, nanos: number): Timestamp {
  return { $typeName: "google.protobuf.Timestamp", seconds, nanos };
}

/** Nanoseconds since the epoch, or `null` if not set. */
export function nanosFromTimestamp(time: Timestamp | undefined, at: Field): bigint | null {
  if (time === undefined) {
    return null;
  }
  // The bounds of timestamp.proto: years 1 to 9999.
  if (time.seconds < -62_135_596_800n || time.seconds > 253_402_300_799n) {
    at.refuse("must lie in the years 1 to 9999");
  }
  if (time.nanos < 0 || time.nanos > 999_999_999) {
    at.child("nanos").refuse("must be from 0 to 999999999");
  }
  return time.seconds * nanosPerSecond + BigInt(time.nanos);
}

export function durationFromMillis(millis: number): Duration {
  return duration(BigInt(Math.floor(millis / 1000)), Math.round((millis % 1000) * nanosPerMilli));
}

export function durationFromMicros(micros: number): Duration {
  return duration(BigInt(Math.floor(micros / 1_000_000)), Math.round((micros % 1_000_000) * 1000));
}

function duration(seconds: bigint, nanos: number): Duration {
  return { $typeName: "google.protobuf.Duration", seconds, nanos };
}

/** Milliseconds that a duration may have. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Whole milliseconds, rounded up, or `null` if not set. */
export function millisFromDuration(duration: Duration | undefined, range: Range, at: Field): number | null {
  if (duration === undefined) {
    return null;
  }
  if (Math.abs(duration.nanos) > 999_999_999) {
    at.child("nanos").refuse("must be from -999999999 to 999999999");
    return null;
  }
  // Exact below: what is out of range needs no precision.
  const millis = Number(duration.seconds) * 1000 + duration.nanos / nanosPerMilli;
  if (millis < range.min || millis > range.max) {
    at.refuse(`must be from ${range.min / 1000} to ${range.max / 1000} seconds, not ${millis / 1000}`);
  }
  return Math.ceil(millis);
}
