import { mkdirSync, writeFileSync } from "node:fs";
import type { StartFailure } from "../api/process.ts";
import { type Core, shuttingDown } from "../core.ts";
import type { ManagedProcess } from "../process/process.ts";
import { failure, prepareFailure } from "../run/start-failure.ts";
import { RunState, Step } from "../shim/layout.ts";
import { encodeSpec } from "../shim/spec.ts";
import { ForkFailedError, type ShimFailure } from "../shim/zygote.ts";
import { shimSpec } from "./to-shim-spec.ts";

/** The state is looked at this often even if no event comes. */
const recheckMs = 1_000;

/**
 * Takes the current run of a process from its record to a running program.
 * The record is already on disk, so that whatever the daemon's death leaves
 * here is found by its successor:
 *
 * 1. the run's directory and spec: no ring, so the run has not begun
 * 2. the request to the zygote: a zygote becomes ready only when every shim
 *    forked before has published its ring, so "no ring" is still certain then
 * 3. the ring: from here on the shim finishes alone
 *
 * @returns why the run did not begin, or null if it did.
 * @throws SHUTTING_DOWN if the engine closes before that is known.
 */
export async function launch(core: Core, process: ManagedProcess): Promise<StartFailure | null> {
  const prepared = prepare(core, process);
  if (prepared !== null) return prepared;
  const { run } = process;
  let gone: ShimFailure | null = null;
  try {
    await core.zygote.start(process.id, run);
  } catch (error) {
    if (!(error instanceof ForkFailedError)) throw core.closed ? shuttingDown() : error;
    gone = error.failure;
  }
  if (gone !== null) return failure(gone.step, gone.errno, "");
  return await decided(core, process);
}

/** Waits until a run that has, or may get, a shim has begun or failed. */
export async function decided(core: Core, process: ManagedProcess): Promise<StartFailure | null> {
  for (;;) {
    core.checkOpen();
    core.refresh(process);
    if (process.failure !== null) return process.failure;
    const state = process.view?.header.state;
    if (state === RunState.running || state === RunState.exited) return null;
    if (process.shimGone) {
      const known = process.shimFailure;
      if (known !== null) return failure(known.step, known.errno, core.paths(process).ring);
      return failure(Step.shim, 0, "", "the shim was killed before it had executed the program");
    }
    await process.changed.wait(undefined, recheckMs);
  }
}

function prepare(core: Core, process: ManagedProcess): StartFailure | null {
  const paths = core.paths(process);
  let cgroup: string;
  try {
    cgroup = core.cgroups.enter(process.id, process.run, process.spec.limits);
  } catch (error) {
    return { ...prepareFailure(error, ""), step: Step.cgroup };
  }
  try {
    mkdirSync(paths.run, { recursive: true, mode: 0o700 });
    writeFileSync(paths.spec, encodeSpec(shimSpec(process.spec, core.options, cgroup)), { mode: 0o600 });
    return null;
  } catch (error) {
    core.cgroups.leave(process.id, process.run);
    return prepareFailure(error, paths.run);
  }
}
