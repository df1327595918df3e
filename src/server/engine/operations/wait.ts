import type { WaitCondition } from "../api/control.ts";
import type { ProcessInfo } from "../api/process.ts";
import type { RunInfo } from "../api/run.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "../process/process.ts";
import type { Run } from "../run/run.ts";

/** The state is looked at this often even if no event comes. */
const recheckMs = 15_000;

/**
 * Answers a process once its run meets a condition. One that waits for its first
 * run, as in a queue, is waited for until that does.
 */
export async function wait(
  core: Core,
  process: ManagedProcess,
  condition: WaitCondition,
  number: number | null,
  signal: AbortSignal,
): Promise<{ process: ProcessInfo; run: RunInfo | null }> {
  const wanted = number ?? Math.max(process.current.number, 1);
  if (number !== null && (number > process.current.number || number < 1)) throw runNotFound(process, number);
  for (;;) {
    signal.throwIfAborted();
    core.checkOpen();
    core.refresh(process);
    core.checkListed(process);
    if (process.current.number < wanted) {
      if (!isToRun(process)) throw runNotFound(process, wanted);
    } else if (process.current.number > wanted || meets(process.current, condition)) {
      const info = core.table.info(process);
      const run = wanted === info.run.number ? info.run : (process.run(wanted)?.info() ?? null);
      return { process: info, run };
    }
    await process.changed.wait(signal, recheckMs);
  }
}

function isToRun({ standing, starting, restarting }: ManagedProcess): boolean {
  return standing === "waiting" || starting !== null || restarting !== null;
}

function meets(run: Run, condition: WaitCondition): boolean {
  if (!run.ended) return false;
  switch (condition) {
    case "exited":
      return true;
    case "outputComplete":
      return run.output.complete;
    case "treeGone":
      return !run.treeAlive;
  }
}

function runNotFound({ id, runs }: ManagedProcess, run: number): EngineError {
  const kept = runs.map(({ number }) => number);
  const problem =
    kept.length === 0
      ? "has not run, and no run is to come"
      : `has no run ${run} that is kept: there are ${Math.min(...kept)} to ${Math.max(...kept)}`;
  return new EngineError("RUN_NOT_FOUND", `process ${id} ${problem}`, { id, run: String(run) });
}
