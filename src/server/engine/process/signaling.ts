import type { Cause } from "../api/cause.ts";

/**
 * A signal that a shim was told to send and has not acknowledged. It is on
 * record before the shim is told, so that the next daemon can find out what
 * became of it: the shim keeps the number of the last message in its ring.
 */
export interface Signaling {
  readonly run: number;
  /** The number of the message, and of the one that the ring named before it. */
  readonly seq: number;
  readonly before: number;
  readonly cause: Cause;
  /** It is the first signal of what was asked for then (`Intent.requestBootMs`). Null: of a request of its own. */
  readonly intentBootMs: number | null;
  /** Whether it was sent can no longer be found out. */
  readonly isLost: boolean;
}
