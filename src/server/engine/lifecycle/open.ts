import { closeSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../api/engine.ts";
import { Core } from "../core.ts";
import { ProcessEngine } from "../engine.ts";
import { Cgroups, claimSubtree, findDelegatedSubtree } from "../limits/cgroup.ts";
import { DaemonRunningError, type EngineOptions, resolveOptions } from "../options.ts";
import { EventFifo, type ShimEvent } from "../shim/events.ts";
import { EventKind } from "../shim/layout.ts";
import { acquireDaemonLock } from "../shim/lock.ts";
import { runtimePaths } from "../shim/paths.ts";
import { type ShimFailure, Zygote } from "../shim/zygote.ts";
import { recover } from "./recovery.ts";
import { Retention } from "./retention.ts";
import { sweepRings } from "./sweep.ts";

/** A zygote waits for that of the daemon before it, which ends as soon as that daemon has. */
const patienceMs = 5_000;

/**
 * Takes the runtime directory, starts the zygote and finds the processes of
 * earlier daemons.
 *
 * @throws DaemonRunningError if another daemon has the directory; a Node
 * system error if it cannot be used.
 */
export async function openEngine(given: EngineOptions): Promise<Engine> {
  const lock = await acquireDaemonLock(join(given.runtimeDir, "daemon.lock"), given.shimPath);
  if (lock === null) throw new DaemonRunningError(given.runtimeDir);
  const undo: (() => void)[] = [() => closeSync(lock)];
  const release = () => {
    for (const step of undo.reverse()) step();
    undo.length = 0;
  };
  try {
    const cgroupRoot = given.cgroupRoot === undefined ? findDelegatedSubtree() : given.cgroupRoot;
    if (cgroupRoot !== null) claimSubtree(cgroupRoot);
    const options = resolveOptions(given, cgroupRoot);
    const { logger } = options;
    let core: Core | null = null;
    const onGone = (id: string, run: number, _pid: number, failure: ShimFailure | null) => {
      const process = core?.table.byId(id);
      if (core !== null && !core.closed && process !== undefined) core.shimGone(process, run, failure);
    };
    const zygote = new Zygote({
      shimPath: options.shimPath,
      runtimeDir: options.runtimeDir,
      openFiles: options.openFiles,
      onGone,
      onWarning: (message) => logger.warn({}, message),
    });
    undo.push(() => zygote.close());
    const impatient = setTimeout(
      () => logger.warn({}, "still waiting for the zygote of an earlier daemon to end"),
      patienceMs,
    );
    await zygote.ready().finally(() => clearTimeout(impatient));
    core = new Core(options, new Cgroups(cgroupRoot), zygote);
    const opened = core;
    const onEvent = ({ uuid, run, kinds }: ShimEvent) => {
      const process = opened.table.byId(uuid);
      if (process !== undefined && process.run === run && (kinds & ~EventKind.output) !== 0) {
        opened.refresh(process);
        process.changed.notify();
      }
      opened.followers.notify(uuid, run);
    };
    // Opened before the rings are read: what changes after that is heard of.
    const events = new EventFifo(runtimePaths(options.runtimeDir).events, onEvent, (error) =>
      logger.error({ error: String(error) }, "the events FIFO failed; changes are seen late until the daemon restarts"),
    );
    undo.push(() => events.close());
    recover(opened);
    const retention = new Retention(opened);
    opened.onSettled = () => retention.wake();
    retention.wake();
    undo.push(() => retention.close());
    undo.push(sweepRings(opened));
    return new ProcessEngine(opened, release);
  } catch (error) {
    release();
    throw error;
  }
}
