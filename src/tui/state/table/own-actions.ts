import type { ProcessInfo } from "../../../sdk/types.ts";

/** What this dashboard did to a process: that this run ends badly, or one before it, is no news until then. */
export interface OwnAction {
  /** 0: it had none yet. */
  readonly run: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

export function isOwn(own: OwnAction | undefined, run: number, now: number): boolean {
  return own !== undefined && run <= own.run && now <= own.until;
}

export type OwnActions = ReadonlyMap<string, OwnAction>;

/** How long after an action what it did to a process is no news. Milliseconds. */
const OWN_MS = 3000;

/** An action of this dashboard begins: that its processes end is what was asked for. */
export function beginOwn(own: OwnActions, targets: readonly ProcessInfo[]): OwnActions {
  const until = Number.POSITIVE_INFINITY;
  return new Map([...own, ...targets.map(({ id, run }) => [id, { run: run?.number ?? 0, until }] as const)]);
}

/** It is over; what the watch says of it may still be under way. */
export function endOwn(own: OwnActions, targets: readonly ProcessInfo[], now: number): OwnActions {
  const over = new Set(targets.map(({ id }) => id));
  return new Map(
    [...own]
      .map(([id, action]) => [id, over.has(id) ? { ...action, until: now + OWN_MS } : action] as const)
      .filter(([, { until }]) => until > now),
  );
}
