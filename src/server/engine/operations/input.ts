import type { RequestContext } from "../api/control.ts";
import type { ProcessState } from "../api/process.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "../process/process.ts";
import type { Run } from "../run/run.ts";
import { control } from "../run/shim-control.ts";
import { ShimGoneError } from "../shim/control.ts";
import { Control } from "../shim/layout.ts";
import { StdinClosedError, writeStdin } from "../shim/stdin.ts";
import { checkPrecondition, conditionFailed } from "./conditions.ts";
import { lost, untilStarted } from "./stop.ts";

/** Bounds what a process that reads nothing makes the daemon hold. */
const maxWaiting = 16;

export interface Input {
  readonly data: Uint8Array;
  readonly close: boolean;
  /** Null: no matter. */
  readonly inputOffset: number | null;
}

/**
 * Writes to standard input after all writes that were asked for before.
 *
 * @returns how many bytes were written to the run so far.
 */
export async function writeInput(
  core: Core,
  process: ManagedProcess,
  input: Input,
  context: RequestContext,
  signal: AbortSignal,
): Promise<number> {
  if (process.spec.stdin !== "pipe" && process.spec.terminal === null) throw inputClosed(process);
  if (process.input.length >= maxWaiting) {
    throw new EngineError(
      "LIMIT_EXCEEDED",
      `${maxWaiting} writes already wait for process ${process.id} to read its input`,
      { limit: "waiting_writes" },
    );
  }
  return await process.input.run(() => writeNow(core, process, input, context, signal), signal);
}

async function writeNow(
  core: Core,
  process: ManagedProcess,
  input: Input,
  context: RequestContext,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted();
  const run = await runningRun(core, process);
  checkPrecondition(core, process, context);
  if (run.view?.header.stdinClosed) throw inputClosed(process);
  const data = unwritten(run, input);
  const ended = new AbortController();
  const closing = core.onClose(() => ended.abort(new EngineError("SHUTTING_DOWN", "the daemon is stopping")));
  try {
    if (data.length > 0) {
      await writeStdin(core.paths(process, run.number).stdin, data, AbortSignal.any([signal, ended.signal]));
      run.inputOffset += data.length;
    }
    if (input.close) await control(core, process, run, Control.closeStdin);
    return run.inputOffset;
  } catch (error) {
    if (!(error instanceof StdinClosedError) && !(error instanceof ShimGoneError)) throw error;
    core.refresh(process, run);
    if (process.current !== run || process.state !== "running") await runningRun(core, process);
    throw inputClosed(process);
  } finally {
    closing();
  }
}

/** What of the data is not yet written, where the caller says what was written before. */
function unwritten(run: Run, { data, inputOffset }: Input): Uint8Array {
  if (inputOffset === null) return data;
  if (inputOffset > run.inputOffset)
    throw conditionFailed("input_offset", String(inputOffset), String(run.inputOffset));
  return data.subarray(Math.min(data.length, run.inputOffset - inputOffset));
}

/** Waits until a start under way is decided, and refuses a process that does not run. */
export async function runningRun(core: Core, process: ManagedProcess): Promise<Run> {
  await untilStarted(core, process);
  const { current } = process;
  if (current.running) return current;
  throw current.state === "lost" ? lost(process) : notRunning(process, current.state);
}

export function notRunning(process: ManagedProcess, state: ProcessState): EngineError {
  return new EngineError("NOT_RUNNING", `process ${process.id} does not run: it is ${state}`, {
    id: process.id,
    state,
  });
}

function inputClosed(process: ManagedProcess): EngineError {
  return new EngineError(
    "INPUT_CLOSED",
    `process ${process.id} has no standard input to write to: it was started without one, or it was closed`,
    { id: process.id },
  );
}
