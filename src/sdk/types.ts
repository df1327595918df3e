/**
 * The SDK's vocabulary: plain, immutable objects. Times are `Date`, durations
 * milliseconds, sizes and offsets bytes (exact up to 2^53); what is not there
 * is undefined.
 */
export type * from "./types/calls.ts";
export type * from "./types/daemon.ts";
export type * from "./types/events.ts";
export type * from "./types/output.ts";
export type * from "./types/policy.ts";
export type * from "./types/process.ts";
export type * from "./types/processes.ts";
export type * from "./types/projects.ts";
export type * from "./types/queues.ts";
export type * from "./types/schedules.ts";
export type * from "./types/spec.ts";
export type * from "./types/usage.ts";
