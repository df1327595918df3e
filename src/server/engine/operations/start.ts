import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { isUuid } from "../../../common/contract-rules.ts";
import type { RequestContext, StartRequest } from "../api/control.ts";
import type { ProcessInfo, ProcessState } from "../api/process.ts";
import type { StartFailure } from "../api/run.ts";
import type { ProcessSpec } from "../api/spec.ts";
import type { SupervisionChange } from "../api/supervision.ts";
import type { Core } from "../core.ts";
import { EngineError } from "../errors.ts";
import { cgroupLimitFields } from "../limits/cgroup.ts";
import { ManagedProcess } from "../process/process.ts";
import { deleteRecord, readRecord } from "../process/record.ts";
import { effectiveSpec, normalizeSpec, sameSpec, treeLimits } from "../process/spec.ts";
import { launch, prepareRun } from "../run/launch.ts";
import { makeRoom } from "../run/make-room.ts";
import { Run } from "../run/run.ts";
import { prepareFailure, startFailed } from "../run/start-failure.ts";
import { hasCode } from "../shim/system-error.ts";
import { causeOf } from "./stop.ts";

/**
 * Starts a process, or answers the one that has this id, name, labels and spec.
 *
 * What the daemon's death leaves, step by step: `p/<uuid>`, empty or with a
 * half-written record: removed by the next daemon; with a record and no ring:
 * removed if the journal reaches back to its creation and says nothing of it
 * having been executed; with a ring: the next daemon sees it through.
 */
export async function start(
  core: Core,
  request: StartRequest,
  context: RequestContext,
): Promise<{ process: ProcessInfo; existing: boolean }> {
  const started = Promise.withResolvers<void>();
  const claimed = await claim(core, request, (id, wanted) => {
    const made = accept(core, id, wanted, context, { run: 1, state: "starting" });
    made.starting = started.promise;
    return made;
  });
  if (claimed.known !== null) return { process: claimed.known, existing: true };
  const { process } = claimed;
  try {
    const failed = await begin(core, process);
    if (failed !== null) throw startFailed(process.id, process.spec, failed);
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

/** As `start`, but no run begins: the process waits, as supervision says. */
export async function create(
  core: Core,
  request: StartRequest,
  change: SupervisionChange,
  context: RequestContext,
): Promise<{ process: ProcessInfo; existing: boolean }> {
  const claimed = await claim(core, request, (id, wanted) => {
    const made = accept(core, id, wanted, context, { run: 0, state: change.state ?? "exited" });
    made.current.apply("startFailed");
    core.takeSupervision(made, change);
    return made;
  });
  if (claimed.known !== null) return { process: claimed.known, existing: true };
  const { process } = claimed;
  const failed = await makeRoom(core, process, () => storeRecord(core, process));
  if (failed !== null) {
    process.current.failure = failed;
    discard(core, process);
    throw startFailed(process.id, process.spec, failed);
  }
  process.announcedAt = process.sequence;
  const { event, cause } = change;
  if (event === null) core.note(process, "changed", cause);
  else core.note(process, event.type, cause, { supervision: event.detail });
  core.journal.flush();
  return { process: core.table.info(process), existing: false };
}

type Claim =
  | { readonly known: ProcessInfo; readonly process: null }
  | { readonly known: null; readonly process: ManagedProcess };

/**
 * What a request for a new process comes to: one that there is, or a new one.
 *
 * @param make Makes it, in the same turn in which nobody else had its id and name.
 */
async function claim(
  core: Core,
  request: StartRequest,
  make: (id: string, wanted: Wanted) => ManagedProcess,
): Promise<Claim> {
  core.checkAccepting();
  const id = request.id === "" ? randomUUID() : request.id.toLowerCase();
  if (!isUuid(id)) throw new EngineError("INVALID_ID", "the id of a new process must be a UUID", { id: request.id });
  const wanted = {
    name: request.name,
    labels: request.labels,
    spec: normalizeSpec(request.spec, core.options),
  };
  for (let there = core.table.byId(id); there !== undefined; there = core.table.byId(id)) {
    const known = await existing(core, there, wanted);
    if (known !== null) return { known, process: null };
  }
  core.checkAccepting();
  checkLimits(core, wanted.spec);
  checkName(core, wanted.name);
  return { known: null, process: make(id, wanted) };
}

interface Wanted {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ProcessSpec;
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

/** Refuses limits that this daemon cannot enforce. */
export function unsupportedLimit(core: Core, spec: ProcessSpec): void {
  const [field] = core.cgroups.available ? [] : cgroupLimitFields(spec.limits);
  if (field === undefined) return;
  throw new EngineError(
    "UNSUPPORTED_LIMIT",
    `this daemon cannot enforce spec.limits.${field}: it has no delegated cgroup v2 subtree, so nothing was started`,
    { field: `spec.limits.${field}` },
  );
}

/** After an error nothing is left behind. */
export function discard(core: Core, process: ManagedProcess): void {
  const { current } = process;
  core.table.remove(process);
  core.note(process, "removed", { ...current.cause, kind: "startFailure", detail: current.failure?.message ?? "" });
  core.journal.flush();
  core.forgetRuns(process);
  core.cgroups.leave(process.id, current.number);
  if (process.foreignDirectory) return;
  const directory = core.paths(process).process;
  try {
    deleteRecord(directory);
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    core.options.logger.warn({ id: process.id, error: String(error) }, "cannot remove what a failed start left");
  }
}

/** The record names this number: whatever is found of it later, the journal says whether it ever began. */
function accept(
  core: Core,
  id: string,
  wanted: Wanted,
  context: RequestContext,
  first: { readonly run: number; readonly state: ProcessState },
): ManagedProcess {
  const cause = causeOf(context);
  const { run: number, state: to } = first;
  const entry = core.journal.append({
    type: "created",
    processId: id,
    processName: wanted.name,
    run: number,
    from: "",
    to,
    cause,
    exit: null,
  });
  const { sequence } = entry;
  const createTime = BigInt(entry.timeMicros) * 1000n;
  const effective = effectiveSpec(wanted.spec, core.options);
  const run = new Run({ number, cause, createTime, sequence, effective, limits: treeLimits(wanted.spec) });
  const change = { sequence, time: createTime, run: number, from: null, to, cause };
  const process = new ManagedProcess({ id, ...wanted, createTime, sequence }, run, change);
  core.table.add(process);
  return process;
}

async function begin(core: Core, process: ManagedProcess): Promise<StartFailure | null> {
  const { current } = process;
  const stored = await makeRoom(core, process, () => store(core, process));
  if (stored !== null) return stored;
  const failed = await launch(core, process, current);
  return failed;
}

/** Null: it was removed while it was being started by somebody else. */
async function existing(core: Core, process: ManagedProcess, wanted: Wanted): Promise<ProcessInfo | null> {
  const different = differences(process, wanted);
  if (process.removing || different.length > 0) {
    const why = process.removing ? "is being removed" : `has another ${different.join(" and ")}`;
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

function differences(process: ManagedProcess, wanted: Wanted): string[] {
  const different: string[] = [];
  if (process.name !== wanted.name) different.push("name");
  if (JSON.stringify(process.labels) !== JSON.stringify(wanted.labels)) different.push("labels");
  for (const key of Object.keys(wanted.spec) as (keyof ProcessSpec)[]) {
    if (!sameSpec({ ...wanted.spec, [key]: process.spec[key] }, wanted.spec)) different.push(`spec.${key}`);
  }
  return different;
}

function checkLimits(core: Core, spec: ProcessSpec): void {
  unsupportedLimit(core, spec);
  if (core.table.size >= core.options.maxProcesses) {
    throw new EngineError(
      "LIMIT_EXCEEDED",
      `this daemon lists ${core.table.size} processes, as many as it may: remove or prune ended ones`,
      { limit: "max_processes" },
    );
  }
}

function store(core: Core, process: ManagedProcess): StartFailure | null {
  const stored = storeRecord(core, process);
  if (stored !== null) return stored;
  const unprepared = prepareRun(core, process, process.current, process.spec);
  if (unprepared !== null) rmSync(core.paths(process).process, { recursive: true, force: true });
  return unprepared;
}

/** After an error nothing is left behind. */
function storeRecord(core: Core, process: ManagedProcess): StartFailure | null {
  const directory = core.paths(process).process;
  try {
    makeDirectory(core, process.id, directory);
  } catch (error) {
    process.foreignDirectory = true;
    return prepareFailure(error, directory);
  }
  process.foreignDirectory = false;
  try {
    core.save(process);
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    return prepareFailure(error, directory);
  }
  return null;
}

/**
 * Makes the directory of a process that is new. What lies there already is left
 * of one that could not be deleted, or nobody's; what a newer pm wrote is left
 * alone.
 */
function makeDirectory(core: Core, id: string, directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, "EEXIST") || readRecord(directory).kind === "newer") throw error;
    const wasRemoved = core.journal.all().some(({ type, processId }) => type === "removed" && processId === id);
    if (wasRemoved) rmSync(directory, { recursive: true, force: true });
    else core.quarantine.setAside(directory, "it lies where a process is to be started", id);
    mkdirSync(directory, { mode: 0o700 });
  }
}
