/** How long a stream may be silent. */

/** Milliseconds between heartbeats, bookmarks and the like where the caller does not say. */
export const defaultHeartbeatMs = 15_000;

/** Signs of life that may fail to come before the connection is taken for dead. */
const missed = 2.5;

export function silenceLimit(intervalMs: number): number {
  return intervalMs * missed;
}
