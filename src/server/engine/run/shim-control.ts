import type { Core } from "../core.ts";
import type { ManagedProcess } from "../process/process.ts";
import { ShimGoneError, sendControl } from "../shim/control.ts";
import { RunState } from "../shim/layout.ts";

/** How long a shim may take to carry out a message: it does so at once unless somebody stopped it. */
const answerMs = 5_000;
const timedOut = 110;

/**
 * Sends a message to the shim of a process's current run and waits until it
 * was carried out. Messages go one after the other, since a ring holds the
 * last answer only.
 *
 * @returns the errno of what was asked for; 0: done; ETIMEDOUT: no answer.
 * @throws ShimGoneError if the run has no shim any more.
 */
export function control(core: Core, process: ManagedProcess, type: number, a = 0, b = 0): Promise<number> {
  const run = process.run;
  const answer = process.controlQueue.then(() => exchange(core, process, run, type, a, b));
  process.controlQueue = answer.then(
    () => {},
    () => {},
  );
  return answer;
}

async function exchange(
  core: Core,
  process: ManagedProcess,
  run: number,
  type: number,
  a: number,
  b: number,
): Promise<number> {
  core.checkOpen();
  if (process.run !== run || process.removed) throw new ShimGoneError("that run is over");
  const seq = core.nextControlSeq();
  try {
    sendControl(core.paths(process).control, { type, seq, a, b });
  } catch (error) {
    if (error instanceof ShimGoneError) noteGone(core, process);
    throw error;
  }
  const deadline = performance.now() + answerMs;
  for (;;) {
    core.refresh(process);
    const header = process.run === run ? process.view?.header : undefined;
    if (header?.controlSeq === seq) return header.controlErrno;
    if (process.run !== run || process.final || process.removed) throw new ShimGoneError("the run ended meanwhile");
    const left = deadline - performance.now();
    if (left <= 0) return timedOut;
    await process.changed.wait(undefined, left);
    core.checkOpen();
  }
}

/** A run that began has a control FIFO with a reader until its shim has said its last word. */
function noteGone(core: Core, process: ManagedProcess): void {
  core.refresh(process);
  const state = process.view?.header.state;
  if (state === RunState.running || state === RunState.exited) core.shimGone(process, process.run, null);
}
