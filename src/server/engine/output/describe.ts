import type { OutputInfo } from "../api/run.ts";
import { EngineError } from "../errors.ts";
import type { OutputProcess, OutputRun } from "./directory.ts";
import type { OutputSource, SourceView } from "./source.ts";

/**
 * The run that a request means.
 *
 * @param number Null: the current one.
 * @throws EngineError RUN_NOT_FOUND
 */
export function chooseRun(process: OutputProcess, number: number | null): OutputRun {
  const run = number === null ? process.runs[0] : process.runs.find((kept) => kept.number === number);
  if (run === undefined) throw runNotFound(process.id, number);
  return run;
}

function runNotFound(id: string, number: number | null): EngineError {
  const problem =
    number === null ? `process ${id} has not run` : `run ${number} of process ${id} never was, or is no longer kept`;
  return new EngineError("RUN_NOT_FOUND", problem, { id, run: String(number ?? 0) });
}

/** What clients are told of a run's output. */
export function describeOutput(run: OutputRun, source: OutputSource | null): OutputInfo {
  return outputInfo(run, source?.look() ?? null);
}

/** @param view Null: there is no source (yet). */
export function outputInfo(run: Pick<OutputRun, "over" | "limitBytes">, view: SourceView | null): OutputInfo {
  const over = run.over !== null;
  return {
    firstOffset: view?.firstOffset ?? 0,
    nextOffset: view?.nextOffset ?? 0,
    complete: over || view?.complete === true,
    stdoutBytes: view?.stdoutBytes ?? 0,
    stderrBytes: view?.stderrBytes ?? 0,
    // A ring has room beyond the limit, so that a read in progress drops nothing within it.
    limitBytes: view === null ? run.limitBytes : Math.min(view.capacityBytes, run.limitBytes),
    held: view !== null && view.hold !== null && !over && !view.complete,
  };
}
