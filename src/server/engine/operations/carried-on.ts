import type { RequestContext } from "../api/control.ts";
import type { Core } from "../core.ts";
import type { ManagedProcess } from "../process/process.ts";
import { untilStarted } from "./stop.ts";

/** Looked at this often even if nothing is said to have changed. */
const recheckMs = 2_000;

/**
 * Waits until a request that an earlier daemon had begun has been carried on.
 * Whoever sends it again is answered with what came of it, not with what there
 * is half way.
 *
 * @throws what the restart threw that carries it on; EngineError SHUTTING_DOWN
 */
export async function untilCarriedOn(
  core: Core,
  process: ManagedProcess,
  { principal, requestId }: RequestContext,
): Promise<void> {
  const isUnderWay = () =>
    process.intents.some(({ cause }) => cause.requestId === requestId && cause.principal === principal);
  while (isUnderWay() && !process.removed) {
    core.checkOpen();
    await process.changed.wait(undefined, recheckMs);
  }
  if (process.removed) return;
  // The intent of a restart is done when the new run is on record, and that run may not have begun yet.
  if (process.restarting !== null) await process.restarting;
  else await untilStarted(core, process);
}
