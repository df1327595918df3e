import type { WaitCondition } from "../api/control.ts";
import type { ProcessInfo } from "../api/process.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "../process/process.ts";

/** The state is looked at this often even if no event comes. */
const recheckMs = 15_000;

/** Answers a process once its run meets a condition. */
export async function wait(
  core: Core,
  process: ManagedProcess,
  condition: WaitCondition,
  run: number,
  signal: AbortSignal,
): Promise<ProcessInfo> {
  const wanted = run === 0 ? process.run : run;
  if (wanted > process.run || wanted < 1) throw runNotFound(process, run);
  for (;;) {
    signal.throwIfAborted();
    core.checkOpen();
    core.refresh(process);
    core.checkListed(process);
    if (process.run > wanted || meets(process, condition)) return core.table.info(process);
    await process.changed.wait(signal, recheckMs);
  }
}

function meets(process: ManagedProcess, condition: WaitCondition): boolean {
  if (!process.ended || process.starting !== null) return false;
  switch (condition) {
    case "exited":
      return true;
    case "outputComplete":
      return process.output.complete;
    case "treeGone":
      return !process.treeAlive;
  }
}

export function runNotFound(process: ManagedProcess, run: number): EngineError {
  return new EngineError(
    "RUN_NOT_FOUND",
    `process ${process.id} has no run ${run} whose output is kept: its current run is ${process.run}`,
    { id: process.id, run: String(run) },
  );
}
