import { closeSync, existsSync } from "node:fs";
import { join } from "node:path";
import type { Cause } from "../api/cause.ts";
import { Core } from "../core.ts";
import { ProcessEngine } from "../engine.ts";
import { Journal } from "../history/journal.ts";
import { Cgroups, claimSubtree, findDelegatedSubtree } from "../limits/cgroup.ts";
import { DaemonRunningError, type EngineOptions, resolveOptions } from "../options.ts";
import { Quarantine } from "../quarantine.ts";
import { EventSources, type ShimEvent } from "../shim/events.ts";
import { EventKind } from "../shim/layout.ts";
import { acquireDaemonLock } from "../shim/lock.ts";
import { runtimePaths } from "../shim/paths.ts";
import { type ShimFailure, Zygote } from "../shim/zygote.ts";
import { recover } from "./recovery.ts";
import { Reserve } from "./reserve.ts";
import { dropOldest, Retention } from "./retention.ts";
import { RuntimeDirectoryError } from "./runtime-directory.ts";
import { sweepRings } from "./sweep.ts";

/**
 * Takes the runtime directory, starts the zygote and finds the processes of
 * earlier daemons.
 *
 * @throws DaemonRunningError if another daemon has the directory;
 * RuntimeDirectoryError if it is removed meanwhile; a Node system error if it
 * cannot be used.
 */
export async function openEngine(given: EngineOptions): Promise<ProcessEngine> {
  const lock = await acquireDaemonLock(join(given.runtimeDir, "daemon.lock"), given.shimPath);
  if (lock === null) throw new DaemonRunningError(given.runtimeDir);
  const undo: (() => void)[] = [() => closeSync(lock)];
  const close = () => {
    for (const step of undo.reverse()) step();
    undo.length = 0;
  };
  try {
    const cgroupRoot = given.cgroupRoot === undefined ? findDelegatedSubtree() : given.cgroupRoot;
    if (cgroupRoot !== null) claimSubtree(cgroupRoot);
    const options = resolveOptions(given, cgroupRoot);
    const { logger, runtimeDir, clock } = options;
    const reserve = new Reserve(runtimeDir, logger);
    reserve.release();
    undo.push(() => reserve.close());
    const quarantine = new Quarantine(runtimeDir, logger);
    const directory = join(runtimeDir, "journal");
    const journal = new Journal({ directory, limits: options.journal, clock, logger, quarantine });
    undo.push(() => journal.close());
    let core: Core | null = null;
    const onGone = (id: string, run: number, pid: number, failure: ShimFailure | null) => {
      if (core !== null && !core.closed) core.onGone(id, run, pid, failure);
    };
    const removed = Promise.withResolvers<never>();
    removed.promise.catch(() => {});
    const zygote = new Zygote({
      shimPath: options.shimPath,
      runtimeDir,
      onGone,
      onWarning: (message) => {
        logger.warn({}, message);
        // No zygote will ever work there.
        if (core === null && !existsSync(runtimeDir)) removed.reject(directoryRemoved(runtimeDir));
      },
      startLimitMs: options.startLimitMs,
    });
    undo.push(() => zygote.close());
    await Promise.race([zygote.ready(), removed.promise]);
    core = new Core({ options, cgroups: new Cgroups(cgroupRoot), zygote, journal, quarantine });
    const opened = core;
    const onEvent = ({ uuid, run: number, kinds }: ShimEvent) => {
      const process = opened.table.byId(uuid);
      const run = process?.run(number);
      if (process === undefined || run === undefined) return;
      if (process.current === run && (kinds & ~EventKind.output) !== 0) {
        opened.refresh(process);
        process.changed.notify();
      }
      opened.outputs.notify(run);
    };
    const onError = (error: Error) =>
      logger.error({ error: String(error) }, "the events FIFO failed; changes are seen late until the daemon restarts");
    // Opened before the rings are read: what changes after that is heard of.
    const events = new EventSources(onEvent, onError);
    undo.push(() => events.close());
    events.add(runtimePaths(runtimeDir).events);
    opened.listenTo = (path) => {
      try {
        events.add(path);
      } catch (error) {
        onError(error instanceof Error ? error : new Error(String(error)));
      }
    };
    opened.dropOldest = (except) => dropOldest(opened, except);
    noteDaemon(journal, "daemonStarted");
    const unseen = recover(opened);
    const retention = new Retention(opened);
    opened.onSettled = () => retention.wake();
    retention.wake();
    undo.push(() => retention.close());
    undo.push(sweepRings(opened));
    undo.push(() => noteDaemon(journal, "daemonStopped"));
    return new ProcessEngine(opened, unseen, close);
  } catch (error) {
    close();
    throw error;
  }
}

function directoryRemoved(directory: string): RuntimeDirectoryError {
  return new RuntimeDirectoryError(`somebody removed the runtime directory ${directory} while the daemon was starting`);
}

function noteDaemon(journal: Journal, type: "daemonStarted" | "daemonStopped"): void {
  const cause: Cause = { kind: "request", principal: "", requestId: "", detail: "" };
  journal.append({ type, processId: "", processName: "", run: 0, from: "", to: "", cause, exit: null });
}
