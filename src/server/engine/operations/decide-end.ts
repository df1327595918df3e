import type { ProcessInfo } from "../api/process.ts";
import type { SupervisionChange } from "../api/supervision.ts";
import type { Core } from "../core.ts";
import type { ManagedProcess } from "../process/process.ts";
import { conditionFailed } from "./conditions.ts";

/** Puts a change of what supervision keeps on record. */
export function setSupervision(
  core: Core,
  process: ManagedProcess,
  run: number,
  change: SupervisionChange,
): ProcessInfo {
  core.checkPresent(process);
  if (process.current.number !== run) throw conditionFailed("run", String(run), String(process.current.number));
  const from = process.state;
  core.takeSupervision(process, change);
  const { event, cause } = change;
  if (event !== null) core.note(process, event.type, cause, { supervision: event.detail });
  const to = process.state;
  if (to !== from) core.note(process, "stateChanged", cause, { from, to });
  else if (event === null) core.note(process, "changed", cause);
  core.trySave(process);
  core.journal.flush();
  if (process.settled) core.onSettled();
  return core.table.info(process);
}

/** Asks what is to become of those whose run ended while nobody watched. */
export function reportUnseen(core: Core, unseen: readonly ManagedProcess[]): void {
  for (const process of unseen) {
    if (process.removed || !process.current.ended) continue;
    if (process.isToBeReplaced) process.endIsUndecided = true;
    else decideEnd(core, process);
  }
}

/**
 * A restart or a removal is over. If it ended the run and did no more, what
 * becomes of the process is decided now.
 */
export function decideLeftEnd(core: Core, process: ManagedProcess): void {
  if (!process.endIsUndecided || core.closed || process.removed || process.removing) return;
  // Another one goes on, and decides when it is over.
  if (process.restarting !== null || process.isToBeReplaced) return;
  decideEnd(core, process);
  core.trySave(process);
}

function decideEnd(core: Core, process: ManagedProcess): void {
  process.endIsUndecided = false;
  const change = core.supervision?.runEnded(core.table.info(process)) ?? null;
  if (change !== null) setSupervision(core, process, process.current.number, change);
  else if (!process.endsWithDaemon && process.desired !== "stopped") process.desired = "stopped";
}
