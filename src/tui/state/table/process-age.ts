import type { ProcessInfo } from "../../../sdk/types.ts";

/**
 * Since when a process lives, or has ended: milliseconds since the epoch; null
 * where nobody knows, as for one that was lost.
 */
export function sinceTime({ state, run, createTime, startTime, exitTime }: ProcessInfo): number | null {
  switch (state) {
    case "exited":
    case "lost":
      return exitTime?.getTime() ?? null;
    case "starting":
    case "failed":
    case "running":
    case "stopping":
      // The first run was asked for when the process was created; of a later one that is not known.
      return (startTime ?? (run === 1 ? createTime : undefined))?.getTime() ?? null;
  }
}
