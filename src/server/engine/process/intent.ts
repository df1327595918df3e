import type { Cause } from "../api/cause.ts";
import type { ProcessSpec } from "../api/spec.ts";

/**
 * What was asked for and is not done yet. It is on record before the first
 * signal is sent, so that the next daemon can carry it on.
 */
export interface Intent {
  readonly kind: "stop" | "restart" | "remove";
  /** The run that it began with. */
  readonly run: number;
  readonly cause: Cause;
  /** Canonical name of the first signal. */
  readonly signal: string;
  readonly graceMs: number;
  readonly force: boolean;
  /** Milliseconds since the machine booted: the grace period counts from here. */
  readonly requestBootMs: number;
  /** The first signal was sent. */
  signaled: boolean;
  /** A restart's new spec; null: it stays. */
  readonly spec: ProcessSpec | null;
  /** A stop of all processes by the daemon's shutdown does not change what they are meant to do. */
  readonly keepsDesired: boolean;
}
