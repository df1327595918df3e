import type { SignalTarget } from "../api/control.ts";
import type { ProcessInfo } from "../api/process.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import { signalNumber } from "../limits/signals.ts";
import type { ManagedProcess } from "../process/process.ts";
import { invalid } from "../process/spec.ts";
import { control } from "../run/shim-control.ts";
import { failure } from "../run/start-failure.ts";
import { ShimGoneError } from "../shim/control.ts";
import { Control, Step, Target } from "../shim/layout.ts";
import { notRunning } from "./input.ts";
import { lost } from "./stop.ts";

const noSuchProcess = 3;

/** Sends a signal; with the main process ended, to what is left of its group or tree. */
export async function signal(
  core: Core,
  process: ManagedProcess,
  name: string,
  target: SignalTarget,
): Promise<ProcessInfo> {
  const number = signalNumber(name);
  if (number === undefined) throw invalid("signal", `no signal ${JSON.stringify(name)}`);
  if (process.starting !== null) await process.starting;
  core.checkOpen();
  core.checkListed(process);
  core.refresh(process);
  if (process.isLost()) throw lost(process);
  if (!process.treeAlive || (process.ended && target === "main")) throw notRunning(process, process.state);
  let errno: number;
  try {
    errno = await control(core, process, Control.signal, number, Target[target]);
  } catch (error) {
    if (!(error instanceof ShimGoneError)) throw error;
    throw process.isLost() ? lost(process) : notRunning(process, process.state);
  }
  if (errno === noSuchProcess) throw notRunning(process, process.state);
  if (errno !== 0) {
    const { message } = failure(Step.shim, errno, "");
    throw new EngineError("SUPERVISOR_LOST", `the shim of process ${process.id} could not send ${name}: ${message}`, {
      id: process.id,
    });
  }
  core.refresh(process);
  return core.table.info(process);
}
