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
const notSupported = 95;
const notImplemented = 38;

export interface Input {
  readonly data: Uint8Array;
  readonly close: boolean;
  /** Null: no matter. */
  readonly inputOffset: number | null;
}

/**
 * Writes to standard input after all writes that were asked for before. A write
 * that says where it begins is done once, however often it is asked for and by
 * whatever daemon: the shim counts what goes through it.
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
  await untilStarted(core, process);
  checkPrecondition(core, process, context);
  const run = process.current;
  const isOpen = run.running && run.view?.header.stdinClosed !== true;
  if (!isOpen && isDone(run, input)) return run.view?.header.inputWritten ?? 0;
  if (!run.running) throw run.state === "lost" ? lost(process) : notRunning(process, run.state);
  if (!isOpen) throw inputClosed(process);
  const ended = new AbortController();
  const closing = core.onClose(() => ended.abort(new EngineError("SHUTTING_DOWN", "the daemon is stopping")));
  try {
    const before = await countInput(core, process, run);
    const data = unwritten(before, input);
    if (data.length > 0) {
      // Of a write that is cut short a part may be in the pipe.
      run.inputOffset = null;
      await writeStdin(core.paths(process, run.number).stdin, data, AbortSignal.any([signal, ended.signal]));
    }
    run.inputOffset = before + data.length;
    if (input.close && !hasEnded(run, input)) await closeInput(core, process, run);
    return before + data.length;
  } catch (error) {
    if (!(error instanceof StdinClosedError) && !(error instanceof ShimGoneError)) throw error;
    core.refresh(process, run);
    if (isDone(run, input)) return run.view?.header.inputWritten ?? 0;
    if (process.current !== run || process.state !== "running") await runningRun(core, process);
    throw inputClosed(process);
  } finally {
    closing();
  }
}

/** Bytes ever written to a run's standard input, by whatever daemon. */
async function countInput(core: Core, process: ManagedProcess, run: Run): Promise<number> {
  if (run.inputOffset !== null) return run.inputOffset;
  const errno = await control(core, process, run, Control.countInput);
  // Of a run whose ring is gone, or whose shim is of an older build, nobody can tell.
  if (errno === notSupported || errno === notImplemented) return 0;
  if (errno !== 0) throw inputClosed(process);
  return run.view?.header.inputWritten ?? 0;
}

async function closeInput(core: Core, process: ManagedProcess, run: Run): Promise<void> {
  const errno = await control(core, process, run, Control.closeStdin);
  if (errno !== 0 && errno !== notSupported) throw inputClosed(process);
}

/** Whether all of it was done before, as the ring of a run says whose input is closed. */
function isDone(run: Run, input: Input): boolean {
  const { data, close, inputOffset } = input;
  const header = run.view?.header;
  if (inputOffset === null || header === undefined || inputOffset + data.length > header.inputWritten) return false;
  return !close || hasEnded(run, input);
}

/** Whether the end that is asked for is that which was asked for last. */
function hasEnded(run: Run, { data, inputOffset }: Input): boolean {
  return inputOffset !== null && run.view?.header.inputEnd === inputOffset + data.length;
}

/** What of the data is not yet written, where the caller says what was written before. */
function unwritten(before: number, { data, inputOffset }: Input): Uint8Array {
  if (inputOffset === null) return data;
  if (inputOffset > before) throw conditionFailed("input_offset", String(inputOffset), String(before));
  return data.subarray(Math.min(data.length, before - inputOffset));
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
