/** What requests are answered that an earlier daemon took, carried out, or left to this one. */
import type { RequestContext, StopResult } from "../api/control.ts";
import type { ProcessInfo, ProcessRef } from "../api/process.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "../process/process.ts";
import type { Run } from "../run/run.ts";
import { startFailed } from "../run/start-failure.ts";
import { stillRunning } from "./stop.ts";

type Request = Pick<RequestContext, "principal" | "requestId">;

export async function stopAgain(core: Core, ref: ProcessRef, wait: boolean, request: Request): Promise<StopResult> {
  const process = core.resolve(ref);
  if (wait) await untilCarriedOn(core, process, request);
  core.checkListed(process);
  const own = process.runs.find(({ stop }) => stop !== null && isOf(stop, request));
  const receipt = (own ?? process.current).stop;
  if (receipt === null)
    throw new EngineError("NOT_RUNNING", "the stop is over, and its receipt is not kept", {
      id: process.id,
      state: process.state,
    });
  return { process: core.table.info(process), receipt };
}

export async function restartAgain(core: Core, ref: ProcessRef, request: Request): Promise<ProcessInfo> {
  const process = core.resolve(ref);
  await untilCarriedOn(core, process, request);
  core.checkListed(process);
  const begun = process.runs.find((run) => isOf(run, request));
  if (begun?.failure != null) throw startFailed(process.id, process.spec, begun.failure);
  return core.table.info(process);
}

export async function removeAgain(core: Core, ref: ProcessRef, request: Request): Promise<string> {
  const removed = removedBy(core, request);
  if (removed !== null) return removed;
  const process = core.resolve(ref);
  await untilCarriedOn(core, process, request);
  if (!process.removed) throw stillRunning(process, "was killed and does not end");
  return process.id;
}

function removedBy(core: Core, request: Request): string | null {
  for (const entry of core.journal.all()) {
    if (entry.type === "removed" && isOf(entry, request)) return entry.processId;
  }
  return null;
}

/** Until what the last daemon had begun for this request, and this one carries on, is over. */
async function untilCarriedOn(core: Core, process: ManagedProcess, request: Request): Promise<void> {
  const concerns = () =>
    process.starting !== null ||
    process.intents.some((intent) => isOf(intent, request)) ||
    process.runs.some((run: Run) => run.starting && isOf(run, request));
  while (!process.removed && concerns()) {
    core.checkOpen();
    await process.changed.wait();
  }
  core.checkOpen();
}

function isOf({ cause }: { readonly cause: Request }, { principal, requestId }: Request): boolean {
  return cause.requestId === requestId && cause.principal === principal;
}
