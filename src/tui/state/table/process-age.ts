import type { ProcessInfo } from "../../../sdk/types.ts";

/**
 * Since when a process lives, has ended, or waits: milliseconds since the
 * epoch; null where nobody knows, as for one that was lost.
 */
export function sinceTime({ state, run, lastChange }: ProcessInfo): number | null {
  switch (state) {
    case "exited":
    case "lost":
      return run?.exitTime?.getTime() ?? null;
    case "starting":
    case "failed":
    case "running":
    case "stopping":
      return (run?.startTime ?? run?.createTime)?.getTime() ?? null;
    case "waiting":
    case "givenUp":
      return lastChange?.time.getTime() ?? null;
  }
}
