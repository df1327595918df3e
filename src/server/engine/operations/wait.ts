import type { WaitCondition } from "../api/control.ts";
import type { ProcessInfo } from "../api/process.ts";
import type { RunInfo } from "../api/run.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "../process/process.ts";
import type { Run } from "../run/run.ts";

/** The state is looked at this often even if no event comes. */
const recheckMs = 15_000;

/** Answers a process once its run meets a condition. */
export async function wait(
  core: Core,
  process: ManagedProcess,
  condition: WaitCondition,
  number: number | null,
  signal: AbortSignal,
): Promise<{ process: ProcessInfo; run: RunInfo | null }> {
  const wanted = number ?? process.current.number;
  if (wanted > process.current.number || wanted < 1) throw runNotFound(process, wanted);
  for (;;) {
    signal.throwIfAborted();
    core.checkOpen();
    core.refresh(process);
    core.checkListed(process);
    if (process.current.number > wanted || meets(process.current, condition)) {
      const info = core.table.info(process);
      const run = wanted === info.run.number ? info.run : (process.run(wanted)?.info() ?? null);
      return { process: info, run };
    }
    await process.changed.wait(signal, recheckMs);
  }
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

export function runNotFound(process: ManagedProcess, run: number): EngineError {
  const kept = process.runs.map(({ number }) => number);
  return new EngineError(
    "RUN_NOT_FOUND",
    `process ${process.id} has no run ${run} that is kept: there are ${Math.min(...kept)} to ${Math.max(...kept)}`,
    { id: process.id, run: String(run) },
  );
}
