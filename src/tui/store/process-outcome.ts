import type { ProcessInfo } from "../../sdk/types.ts";

/** Whether a process has ended with a code other than 0, or by a signal. */
export function endedBadly({ exit }: ProcessInfo): boolean {
  return exit !== undefined && exit.code !== 0;
}
