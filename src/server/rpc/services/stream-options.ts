/** Options that several methods share. */
import type { Duration } from "@bufbuild/protobuf/wkt";
import { millisFromDuration } from "../convert/time.ts";
import type { Field } from "../edge/field.ts";
import { atLeast, hourMs } from "../edge/rules.ts";

const heartbeatRange = { min: 1000, max: hourMs };
const defaultHeartbeatMs = 15_000;

/** How often a stream says that it is alive while nothing else comes. */
export function heartbeatMs(interval: Duration | undefined, at: Field): number {
  return millisFromDuration(interval, heartbeatRange, at) ?? defaultHeartbeatMs;
}

/** Null: the current run. */
export function optionalRun(run: number | undefined, root: Field): number | null {
  return run === undefined ? null : atLeast(run, 1, root.child("run"));
}
