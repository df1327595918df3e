import type { StartFailure } from "../api/run.ts";
import type { Core } from "../core.ts";
import type { ManagedProcess } from "../process/process.ts";

const noSpace = 28;
const overQuota = 122;

/**
 * Tries something that needs room in the runtime directory. When there is none,
 * ended processes make room, those that ended first before others: what has
 * ended must not keep anything from starting.
 *
 * @returns why it cannot be done, or null.
 */
export async function makeRoom(
  core: Core,
  process: ManagedProcess,
  attempt: () => StartFailure | null,
): Promise<StartFailure | null> {
  for (;;) {
    const failed = attempt();
    if (failed === null || (failed.errno !== noSpace && failed.errno !== overQuota)) return failed;
    if (!(await core.dropOldest(process))) return failed;
    core.checkAccepting();
  }
}
