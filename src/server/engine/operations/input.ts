import type { ProcessState } from "../api/process.ts";
import type { TerminalSize } from "../api/spec.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import { abortable } from "../notifier.ts";
import type { ManagedProcess } from "../process/process.ts";
import { checkTerminal, invalid } from "../process/spec.ts";
import { control } from "../run/shim-control.ts";
import { ShimGoneError } from "../shim/control.ts";
import { Control } from "../shim/layout.ts";
import { StdinClosedError, writeStdin } from "../shim/stdin.ts";
import { lost } from "./stop.ts";

/** Bounds what a process that reads nothing makes the daemon hold. */
const maxWaiting = 16;

/** Writes to standard input after all writes that were asked for before. */
export async function writeInput(
  core: Core,
  process: ManagedProcess,
  data: Uint8Array,
  close: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (process.spec.stdin !== "pipe" && process.spec.terminal === null) throw inputClosed(process);
  if (process.inputWaiting >= maxWaiting) {
    throw new EngineError(
      "LIMIT_EXCEEDED",
      `${maxWaiting} writes already wait for process ${process.id} to read its input`,
      { limit: "waiting_writes" },
    );
  }
  process.inputWaiting++;
  const turn = process.inputQueue;
  const ended = new AbortController();
  const work = (async () => {
    await turn;
    await writeNow(core, process, data, close, AbortSignal.any([signal, ended.signal]), ended);
  })();
  process.inputQueue = work.then(
    () => {},
    () => {},
  );
  try {
    await abortable(work, signal);
  } finally {
    process.inputWaiting--;
  }
}

async function writeNow(
  core: Core,
  process: ManagedProcess,
  data: Uint8Array,
  close: boolean,
  signal: AbortSignal,
  ended: AbortController,
): Promise<void> {
  signal.throwIfAborted();
  await checkRunning(core, process);
  const { run } = process;
  if (process.view?.header.stdinClosed) throw inputClosed(process);
  const closing = core.onClose(() => ended.abort(new EngineError("SHUTTING_DOWN", "the daemon is stopping")));
  try {
    if (data.length > 0) await writeStdin(core.paths(process).stdin, data, signal);
    if (close) await control(core, process, Control.closeStdin);
  } catch (error) {
    if (!(error instanceof StdinClosedError) && !(error instanceof ShimGoneError)) throw error;
    core.refresh(process);
    if (process.run !== run || process.state !== "running") await checkRunning(core, process);
    throw inputClosed(process);
  } finally {
    closing();
  }
}

/** Sets the size of a process's terminal. */
export async function resizeTerminal(core: Core, process: ManagedProcess, size: TerminalSize): Promise<void> {
  checkTerminal("size", size);
  if (process.spec.terminal === null) throw invalid("id", `process ${process.id} has no terminal`);
  await checkRunning(core, process);
  try {
    await control(core, process, Control.resize, size.rows, size.columns);
  } catch (error) {
    if (!(error instanceof ShimGoneError)) throw error;
    throw process.isLost() ? lost(process) : notRunning(process, process.state);
  }
}

/** Waits until a start under way is decided, and refuses a process that does not run. */
async function checkRunning(core: Core, process: ManagedProcess): Promise<void> {
  if (process.starting !== null) await process.starting;
  core.checkOpen();
  core.checkListed(process);
  core.refresh(process);
  const { state } = process;
  if (state === "lost") throw lost(process);
  if (state !== "running" && state !== "stopping") throw notRunning(process, state);
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
