import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import type { ProcessInfo, StartFailure } from "../api/process.ts";
import type { ProcessSpec } from "../api/spec.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import { launch } from "../lifecycle/launch.ts";
import { cgroupLimitFields } from "../limits/cgroup.ts";
import { ManagedProcess } from "../process/process.ts";
import { deleteRecord } from "../process/record.ts";
import { isUuid } from "../process/references.ts";
import { normalizeSpec, sameSpec } from "../process/spec.ts";
import { prepareFailure, startFailed } from "../run/start-failure.ts";

let lastTime = 0n;

/**
 * Starts a process, or answers the one that has this id and spec.
 *
 * What the daemon's death leaves, step by step: `p/<uuid>` alone, or with a
 * record and no ring: removed by the next daemon, as nobody was answered; with
 * a ring: the next daemon sees it through.
 */
export async function start(
  core: Core,
  request: { id: string; spec: ProcessSpec },
): Promise<{ process: ProcessInfo; existing: boolean }> {
  core.checkAccepting();
  const id = request.id === "" ? randomUUID() : request.id.toLowerCase();
  if (!isUuid(id)) throw new EngineError("INVALID_ID", "the id of a new process must be a UUID", { id: request.id });
  const spec = normalizeSpec(request.spec, core.options);
  for (let known = core.table.byId(id); known !== undefined; known = core.table.byId(id)) {
    const process = await existing(core, known, spec);
    if (process !== null) return { process, existing: true };
  }
  core.checkAccepting();
  checkLimits(core, spec);
  checkName(core, spec.name);
  const process = new ManagedProcess(id, spec, now(), 1);
  core.table.add(process);
  const started = Promise.withResolvers<void>();
  process.starting = started.promise;
  try {
    const failed = store(core, process) ?? (await launch(core, process));
    if (failed !== null) throw startFailed(id, spec, failed);
  } catch (error) {
    process.startError = error;
    // When the engine closes, the run may be about to begin: the next daemon finds it.
    if (!core.closed) discard(core, process);
    throw error;
  } finally {
    process.starting = null;
    started.resolve();
    process.changed.notify();
    if (process.settled) core.onSettled();
  }
  return { process: core.table.info(process), existing: false };
}

/** Who may not take a name: everybody, while a process that has not ended has it. */
export function checkName(core: Core, name: string, except?: ManagedProcess): void {
  if (name === "") return;
  const holder = core.table.holderOf(name, except);
  if (holder === undefined) return;
  throw new EngineError("NAME_IN_USE", `the name "${name}" is in use by process ${holder.id}, which has not ended`, {
    name,
    id: holder.id,
  });
}

/** Null: it was removed while it was being started by somebody else. */
async function existing(core: Core, process: ManagedProcess, spec: ProcessSpec): Promise<ProcessInfo | null> {
  if (process.removing || !sameSpec(process.spec, spec)) {
    const why = process.removing ? "is being removed" : "has another spec";
    throw new EngineError("PROCESS_EXISTS", `there is a process ${process.id} already, and it ${why}`, {
      id: process.id,
    });
  }
  if (process.starting !== null) {
    await process.starting;
    core.checkOpen();
  }
  if (process.removed) {
    if (process.startError !== null) throw process.startError;
    return null;
  }
  core.refresh(process);
  return core.table.info(process);
}

function checkLimits(core: Core, spec: ProcessSpec): void {
  const [field] = core.cgroups.available ? [] : cgroupLimitFields(spec.limits);
  if (field !== undefined) {
    throw new EngineError(
      "UNSUPPORTED_LIMIT",
      `this daemon cannot enforce spec.limits.${field}: it has no delegated cgroup v2 subtree, so nothing was started`,
      { field: `spec.limits.${field}` },
    );
  }
  if (core.table.size >= core.options.maxProcesses) {
    throw new EngineError(
      "LIMIT_EXCEEDED",
      `this daemon lists ${core.table.size} processes, as many as it may: remove or prune ended ones`,
      { limit: "max_processes" },
    );
  }
}

function store(core: Core, process: ManagedProcess): StartFailure | null {
  const directory = core.paths(process).process;
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    process.foreignDirectory = true;
    return prepareFailure(error, directory);
  }
  try {
    core.save(process);
    return null;
  } catch (error) {
    return prepareFailure(error, directory);
  }
}

/** After an error nothing is left behind. */
export function discard(core: Core, process: ManagedProcess): void {
  core.table.remove(process);
  core.forgetRuns(process);
  core.cgroups.leave(process.id, process.run);
  if (process.foreignDirectory) return;
  const directory = core.paths(process).process;
  try {
    deleteRecord(directory);
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    core.options.logger.warn({ id: process.id, error: String(error) }, "cannot remove what a failed start left");
  }
}

/** Nanoseconds since the epoch, growing with every call, so that the order of creation is one. */
function now(): bigint {
  const time = BigInt(Date.now()) * 1_000_000n;
  lastTime = time > lastTime ? time : lastTime + 1n;
  return lastTime;
}
