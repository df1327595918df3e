import { signalNumber } from "../../../common/signals.ts";
import type { RequestContext, SignalTarget } from "../api/control.ts";
import type { ProcessInfo } from "../api/process.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "../process/process.ts";
import { refreshRemains, signalRemains } from "../run/remains.ts";
import type { Run } from "../run/run.ts";
import { control } from "../run/shim-control.ts";
import { failure } from "../run/start-failure.ts";
import { ShimGoneError } from "../shim/control.ts";
import { Control, Step, Target } from "../shim/layout.ts";
import { checkPrecondition } from "./conditions.ts";
import { notRunning } from "./input.ts";
import { causeOf, lost, untilStarted } from "./stop.ts";

const notPermitted = 1;
const noSuchProcess = 3;

/** Sends a signal; with the main process ended, to what is left of its group or tree. */
export async function signal(
  core: Core,
  process: ManagedProcess,
  name: string,
  target: SignalTarget,
  context: RequestContext,
): Promise<ProcessInfo> {
  const number = signalNumber(name);
  if (number === undefined)
    throw new EngineError("INVALID_ARGUMENT", `no signal ${JSON.stringify(name)}`, { field: "signal" });
  await untilStarted(core, process);
  checkPrecondition(core, process, context);
  const run = process.current;
  if (!run.treeAlive || (run.ended && target === "main")) {
    throw run.state === "lost" ? lost(process) : notRunning(process, run.state);
  }
  core.note(process, "signaled", causeOf(context, name));
  core.journal.flush();
  const errno = await send(core, process, run, number, target);
  if (errno === noSuchProcess) throw notRunning(process, process.state);
  if (errno !== 0) throw notSent(process, run, name, errno);
  core.refresh(process);
  return core.table.info(process);
}

async function send(
  core: Core,
  process: ManagedProcess,
  run: Run,
  number: number,
  target: SignalTarget,
): Promise<number> {
  if (run.shimGone) {
    run.remains = refreshRemains(run.remains);
    return signalRemains(run.remains, number);
  }
  try {
    return await control(core, process, run, Control.signal, number, Target[target]);
  } catch (error) {
    if (!(error instanceof ShimGoneError)) throw error;
    throw run.state === "lost" ? lost(process) : notRunning(process, process.state);
  }
}

function notSent(process: ManagedProcess, run: Run, name: string, errno: number): EngineError {
  const { message } = failure(Step.shim, errno, "");
  const why = errno === notPermitted ? "; it runs as another user by now, or a security policy forbids it" : "";
  return new EngineError("SUPERVISOR_LOST", `the shim of run ${run.number} could not send ${name}: ${message}${why}`, {
    id: process.id,
  });
}
