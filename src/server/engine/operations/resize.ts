import type { RequestContext } from "../api/control.ts";
import type { TerminalSize } from "../api/spec.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import type { ManagedProcess } from "../process/process.ts";
import { control } from "../run/shim-control.ts";
import { ShimGoneError } from "../shim/control.ts";
import { Control } from "../shim/layout.ts";
import { checkPrecondition } from "./conditions.ts";
import { notRunning, runningRun } from "./input.ts";
import { lost } from "./stop.ts";

/** Sets the size of a process's terminal. */
export async function resizeTerminal(
  core: Core,
  process: ManagedProcess,
  size: TerminalSize,
  context: RequestContext,
): Promise<void> {
  if (process.spec.terminal === null) {
    throw new EngineError("INVALID_ARGUMENT", `process ${process.id} has no terminal`, { field: "process" });
  }
  const run = await runningRun(core, process);
  checkPrecondition(core, process, context);
  try {
    await control(core, process, run, Control.resize, size.rows, size.columns);
  } catch (error) {
    if (!(error instanceof ShimGoneError)) throw error;
    throw run.state === "lost" ? lost(process) : notRunning(process, process.state);
  }
}
