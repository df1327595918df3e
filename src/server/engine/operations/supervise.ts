import type { Cause } from "../api/cause.ts";
import type { Command } from "../api/policy.ts";
import type { ProcessInfo } from "../api/process.ts";
import type { CommandResult, Supervision } from "../api/supervision.ts";
import type { Core } from "../core.ts";
import type { ManagedProcess } from "../process/process.ts";
import { prepareRun, undoPreparation } from "../run/launch.ts";
import { makeRoom } from "../run/make-room.ts";
import { failure, startFailed } from "../run/start-failure.ts";
import { shimSpec } from "../run/to-shim-spec.ts";
import { TreeSampler } from "../usage/tree-sampler.ts";
import { conditionFailed } from "./conditions.ts";
import { beginRun, follow, newRun } from "./restart.ts";
import { checkName } from "./start.ts";
import { stillRunning } from "./stop.ts";

/** Begins the next run of a process that has none under way. */
export async function startRun(
  core: Core,
  process: ManagedProcess,
  change: (process: ProcessInfo) => Supervision,
  cause: Cause,
): Promise<ProcessInfo> {
  core.checkAccepting();
  core.checkPresent(process);
  core.refresh(process);
  const isIdle = process.current.ended && !process.current.treeAlive && process.restarting === null;
  if (!isIdle) throw stillRunning(process, "has a run under way");
  checkName(core, process.name, process);
  const begun = follow(core, process, begin(core, process, change, cause));
  process.restartsItself = true;
  return await begun;
}

async function begin(
  core: Core,
  process: ManagedProcess,
  change: (process: ProcessInfo) => Supervision,
  cause: Cause,
): Promise<ProcessInfo> {
  const { spec } = process;
  const run = newRun(core, process, spec, cause);
  const unprepared = await makeRoom(core, process, () => prepareRun(core, process, run, spec));
  try {
    core.checkAccepting();
    core.checkPresent(process);
    // Somebody asked to stop it while room was made.
    if (process.desired !== "running") throw conditionFailed("desired_state", "running", process.desired);
  } catch (error) {
    if (unprepared === null) undoPreparation(core, process, run);
    throw error;
  }
  if (process.spec !== spec) {
    // It was updated while room was made.
    if (unprepared === null) undoPreparation(core, process, run);
    return await begin(core, process, change, cause);
  }
  process.supervision = change(core.table.info(process));
  // What could not be prepared is a run that failed, so that whoever decides on attempts hears of it.
  const failed = await beginRun(core, process, run, unprepared);
  if (failed !== null) throw startFailed(process.id, spec, failed);
  return core.table.info(process);
}

/** Runs a command in the place of a process, forked by the zygote. Never throws. */
export async function runCommand(
  core: Core,
  process: ManagedProcess,
  command: Command,
  options: {
    readonly env: Readonly<Record<string, string>>;
    readonly timeoutMs: number;
    readonly maxOutputBytes: number;
  },
  signal: AbortSignal,
): Promise<CommandResult> {
  const nothing = { code: null, timedOut: false, output: new Uint8Array() };
  const { spec } = process;
  const added = Object.entries(options.env).map(([name, value]) => ({ name, value }));
  const env = [...spec.env.filter(({ name }) => typeof name !== "string" || !(name in options.env)), ...added];
  const { executable, args } = command;
  try {
    const asked = shimSpec({ ...spec, executable, args, env, terminal: null, stdin: "null" }, core.options, {
      cgroup: "",
      notify: null,
    });
    const outcome = await core.zygote.probe(asked, { timeoutMs: options.timeoutMs, signal });
    const { code, timedOut } = outcome;
    const output = new Uint8Array(outcome.output.subarray(0, options.maxOutputBytes));
    const problem = outcome.failure === null ? "" : failure(outcome.failure.step, outcome.failure.errno, "").message;
    return { code, timedOut, output, problem };
  } catch (error) {
    return { ...nothing, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The resident memory of the trees of processes that live, in bytes. */
export function residentMemory(core: Core, ids: readonly string[]): ReadonlyMap<string, number> {
  const resident = new Map<string, number>();
  for (const id of ids) {
    const run = core.table.byId(id)?.current;
    const header = run?.view?.header;
    if (run === undefined || header === undefined || !run.treeAlive || run.shimGone) continue;
    const sampler = new TreeSampler(run.number, run.shimPid);
    try {
      const options = { io: false, members: false, orphans: true };
      const usage = sampler.sample(id, run.ended ? 0 : header.childPid, options);
      if (usage !== null) resident.set(id, usage.residentBytes);
    } finally {
      sampler.close();
    }
  }
  return resident;
}
