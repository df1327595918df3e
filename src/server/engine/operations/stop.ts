import type { StopOptions, StopResult, Survivor } from "../api/control.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import { signalNumber } from "../limits/signals.ts";
import { abortable } from "../notifier.ts";
import type { ManagedProcess } from "../process/process.ts";
import { invalid } from "../process/spec.ts";
import { control } from "../run/shim-control.ts";
import { describeSurvivors } from "../run/survivors.ts";
import { ShimGoneError } from "../shim/control.ts";
import { Control, Target } from "../shim/layout.ts";

/** How long killed processes may take to disappear; more means that the kernel holds them. */
const killMs = 5_000;
/** The tree is looked at this often even if no event comes. */
const recheckMs = 2_000;
const sigkill = 9;
const sigcont = 18;
const maxGraceMs = 24 * 3600 * 1000;

/**
 * Ends a process's tree. Several stops of one process run side by side, each
 * with its own signal, grace period and force: what one does, all see.
 */
export async function stop(
  core: Core,
  process: ManagedProcess,
  options: StopOptions,
  signal?: AbortSignal,
): Promise<StopResult> {
  const work = stopWhole(core, process, options);
  work.catch(() => {});
  return await abortable(work, signal);
}

/** Also stops the run that a restart under way begins. */
async function stopWhole(core: Core, process: ManagedProcess, options: StopOptions): Promise<StopResult> {
  for (;;) {
    const { restarting } = process;
    const result = await stopRun(core, process, options);
    const pending = process.restarting ?? restarting;
    if (pending === null || !result.stopped) return result;
    await pending.catch(() => {});
    core.checkOpen();
    core.checkPresent(process);
    if (process.restarting === null && process.settled) return await stopRun(core, process, options);
  }
}

/** Ends the tree of the current run. */
export async function stopRun(core: Core, process: ManagedProcess, options: StopOptions): Promise<StopResult> {
  const number = stopSignal(process, options);
  const graceMs = options.graceMs ?? process.spec.stop.graceMs ?? core.options.defaultGraceMs;
  if (!(graceMs >= 0 && graceMs <= maxGraceMs)) throw invalid("grace_period", "the grace period must be 0 to 24 hours");
  if (process.starting !== null) await process.starting;
  core.checkOpen();
  core.checkListed(process);
  core.refresh(process);
  if (process.isLost()) throw lost(process);
  if (process.state === "failed" || !process.treeAlive) return result(core, process);
  const { run } = process;
  process.stops++;
  core.table.touch(process);
  try {
    const deadline = performance.now() + graceMs;
    if (!(options.force && graceMs === 0)) await ask(core, process, number, deadline);
    // A restart may have begun another run meanwhile, which is none of this stop's business.
    if (process.run === run && process.treeAlive && options.force) await kill(core, process);
  } finally {
    process.stops--;
    core.table.touch(process);
    if (process.settled) core.onSettled();
  }
  if (process.isLost()) throw lost(process);
  return result(core, process);
}

/** Kills the whole tree and waits, for a bounded time, until it is gone. */
export async function kill(core: Core, process: ManagedProcess): Promise<void> {
  const { run } = process;
  try {
    core.cgroups.kill(process.id, run);
  } catch (error) {
    core.options.logger.warn({ id: process.id, error: String(error) }, "cannot kill by cgroup; killing by the shim");
  }
  await tell(core, process, Control.killTree, 0, 0);
  await untilTreeGone(core, process, run, performance.now() + killMs);
}

/** Sends the signal, once more to what the main process leaves behind, and waits out the grace period. */
async function ask(core: Core, process: ManagedProcess, number: number, deadline: number): Promise<void> {
  const { run } = process;
  const onlyRest = process.state === "exited";
  await send(core, process, number, onlyRest ? Target.tree : Target.group);
  if (!onlyRest) {
    const mainEnded = () => process.state === "exited";
    await until(core, process, run, deadline, () => mainEnded() || !process.treeAlive);
    if (process.run !== run || !process.treeAlive || !mainEnded()) return;
    await send(core, process, number, Target.tree);
  }
  await untilTreeGone(core, process, run, deadline);
}

async function send(core: Core, process: ManagedProcess, number: number, target: number): Promise<void> {
  await tell(core, process, Control.signal, number, target);
  // A process that was stopped acts on the signal only when it continues.
  if (number !== sigkill && number !== sigcont) await tell(core, process, Control.signal, sigcont, target);
}

/** Errors are no matter here: what counts is whether the tree goes. */
async function tell(core: Core, process: ManagedProcess, type: number, a: number, b: number): Promise<void> {
  if (!process.treeAlive) return;
  try {
    const errno = await control(core, process, type, a, b);
    // ESRCH: it has ended already.
    if (errno !== 0 && errno !== 3) {
      core.options.logger.warn({ id: process.id, type, errno }, "a shim could not do what a stop asked for");
    }
  } catch (error) {
    if (!(error instanceof ShimGoneError)) throw error;
  }
}

async function untilTreeGone(core: Core, process: ManagedProcess, run: number, deadline: number): Promise<void> {
  await until(core, process, run, deadline, () => !process.treeAlive);
}

async function until(
  core: Core,
  process: ManagedProcess,
  run: number,
  deadline: number,
  met: () => boolean,
): Promise<void> {
  for (;;) {
    core.checkOpen();
    core.refresh(process);
    if (process.removed || process.run !== run || met()) return;
    const left = deadline - performance.now();
    if (left <= 0) return;
    await process.changed.wait(undefined, Math.min(left, recheckMs));
  }
}

function stopSignal(process: ManagedProcess, options: StopOptions): number {
  const name = options.signal || process.spec.stop.signal || "SIGTERM";
  const number = signalNumber(name);
  if (number === undefined) throw invalid("signal", `no signal "${name}"`);
  return number;
}

function result(core: Core, process: ManagedProcess): StopResult {
  const stopped = !process.treeAlive;
  return { process: core.table.info(process), stopped, survivors: stopped ? [] : survivorsOf(process) };
}

/** What lives of a tree, at most 64 processes. */
function survivorsOf(process: ManagedProcess): Survivor[] {
  const header = process.view?.header;
  if (header === undefined || !process.treeAlive) return [];
  return describeSurvivors(header.shimPid);
}

export function lost(process: ManagedProcess): EngineError {
  return new EngineError(
    "SUPERVISOR_LOST",
    `the shim of process ${process.id} was killed, so pm can no longer control what may be left of it`,
    { id: process.id },
  );
}

/** For requests that need an ended process. */
export function stillRunning(process: ManagedProcess, what: string): EngineError {
  const pids = survivorsOf(process)
    .map(({ pid }) => pid)
    .join(",");
  return new EngineError(
    "STILL_RUNNING",
    `process ${process.id} ${what}${pids === "" ? "" : ` (process ids ${pids})`}`,
    { id: process.id, pids },
  );
}
