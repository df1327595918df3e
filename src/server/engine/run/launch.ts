import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StartFailure } from "../api/run.ts";
import type { ProcessSpec } from "../api/spec.ts";
import { type Core, shuttingDown } from "../core.ts";
import { keepRoomForHold } from "../output/hold/hold-file.ts";
import type { ManagedProcess } from "../process/process.ts";
import { Step } from "../shim/layout.ts";
import { RingUnreadableError, RingVersionError } from "../shim/ring-errors.ts";
import { encodeSpec } from "../shim/spec.ts";
import { ForkFailedError, type ShimFailure, ZygoteUnresponsiveError } from "../shim/zygote.ts";
import type { Run } from "./run.ts";
import { failure, prepareFailure } from "./start-failure.ts";
import { listensToNotices, shimSpec } from "./to-shim-spec.ts";

/** The state is looked at this often even if no event comes. */
const recheckMs = 1_000;
const timedOut = 110;
/** Files that stand for the ring and the FIFOs that a shim will make, and for the record. */
const roomFiles = ["room-1", "room-2", "room-3", "room-4"];
/** Some for the header and the index of a ring, some for its first output. */
const roomBytes = 16 * 1024;
const tightBytes = 1024 * 1024;
const tightFiles = 64;

/**
 * Takes a run from its record to a running program. The record is already on
 * disk, so that whatever the daemon's death leaves here is found by its
 * successor:
 *
 * 1. the run's directory and spec: no ring, so the run has not begun
 * 2. the request to the zygote: a zygote becomes ready only when every shim
 *    forked before has published its ring, so "no ring" is still certain then
 * 3. the ring: from here on the shim finishes alone
 *
 * @returns why the run did not begin, or null if it did.
 * @throws SHUTTING_DOWN if the engine closes before that is known.
 */
export async function launch(core: Core, process: ManagedProcess, run: Run): Promise<StartFailure | null> {
  let gone: ShimFailure | null = null;
  giveRoom(core, process, run);
  try {
    await core.zygote.start(process.id, run.number);
  } catch (error) {
    if (error instanceof RingUnreadableError || error instanceof RingVersionError)
      return setAside(core, process, run, error);
    if (error instanceof ZygoteUnresponsiveError) return notTaken(core, process, run, error);
    if (!(error instanceof ForkFailedError)) throw core.closed ? shuttingDown() : error;
    gone = error.failure;
  }
  if (gone !== null) core.fail(process, run, failure(gone.step, gone.errno, ""), "shimFailed");
  return await untilDecided(core, process, run);
}

/** No zygote has forked a shim, or none could say so. */
async function notTaken(core: Core, process: ManagedProcess, run: Run, error: Error): Promise<StartFailure | null> {
  core.refresh(process, run);
  if (run.view !== null) return await untilDecided(core, process, run);
  core.fail(process, run, failure(Step.shim, timedOut, "", error.message), "shimFailed");
  return run.failure;
}

/** Somebody garbled the ring of a run that was about to begin; its shim may live. */
function setAside(core: Core, process: ManagedProcess, run: Run, error: Error): StartFailure | null {
  core.quarantine.setAside(core.paths(process, run.number).run, error.message, process.id);
  core.fail(process, run, failure(Step.shim, 0, "", error.message), "shimFailed");
  return run.failure;
}

/** Waits until a run that has, or may get, a shim has begun or failed. */
export async function untilDecided(core: Core, process: ManagedProcess, run: Run): Promise<StartFailure | null> {
  for (;;) {
    core.checkOpen();
    core.refresh(process, run);
    if (!run.starting) return run.failure;
    await process.changed.wait(undefined, recheckMs);
  }
}

/**
 * Makes everything that a run needs of the daemon: its directory, its spec, its
 * cgroup. Answers why that cannot be done; then nothing is left of it.
 *
 * Where the file system is nearly full it also makes sure of the room that the
 * shim will need, by files that take it up until `launch`.
 */
export function prepareRun(core: Core, process: ManagedProcess, run: Run, spec: ProcessSpec): StartFailure | null {
  const paths = core.paths(process, run.number);
  let cgroup: string;
  try {
    cgroup = core.cgroups.enter(process.id, run.number, spec.limits);
  } catch (error) {
    return { ...prepareFailure(error, ""), step: Step.cgroup };
  }
  try {
    mkdirSync(paths.run, { recursive: true, mode: 0o700 });
    const notify = listensToNotices(spec) ? paths.notify : null;
    writeFileSync(paths.spec, encodeSpec(shimSpec(spec, core.options, { cgroup, notify })), { mode: 0o600 });
    if (spec.output.whenFull === "allowHold") keepRoomForHold(paths.hold);
    if (isTight(core.options.runtimeDir)) {
      run.hasRoom = true;
      for (const name of roomFiles) writeFileSync(join(paths.run, name), Buffer.alloc(roomBytes));
    }
    return null;
  } catch (error) {
    undoPreparation(core, process, run);
    return prepareFailure(error, paths.run);
  }
}

/** Lets the run have what was kept for it. */
export function giveRoom(core: Core, process: ManagedProcess, run: Run): void {
  if (!run.hasRoom) return;
  run.hasRoom = false;
  const directory = core.paths(process, run.number).run;
  for (const name of roomFiles) rmSync(join(directory, name), { force: true });
}

/** Whether it may happen that a shim finds no room for what the daemon found room for. */
function isTight(directory: string): boolean {
  const { bavail, bsize, ffree, files } = statfsSync(directory);
  return bavail * bsize < tightBytes || (files > 0 && ffree < tightFiles);
}

/** The run will not begin. */
export function undoPreparation(core: Core, process: ManagedProcess, run: Run): void {
  core.cgroups.leave(process.id, run.number);
  try {
    rmSync(core.paths(process, run.number).run, { recursive: true, force: true });
  } catch (error) {
    core.options.logger.warn({ id: process.id, error: String(error) }, "cannot remove what a failed start left");
  }
}
