import type { Engine } from "../engine/api/engine.ts";
import { everything } from "../engine/api/list.ts";
import type { ProcessInfo } from "../engine/api/process.ts";
import { nothingKept, type SupervisedEngine } from "../engine/api/supervision.ts";
import type { Log } from "../log.ts";
import type { Ground } from "./ground.ts";
import { Projects } from "./project/projects.ts";
import { Queues } from "./queue/queues.ts";
import { startsAtBoot } from "./restart/decide.ts";
import { isUnderWay } from "./restart/outcome.ts";
import { Scheduler } from "./schedule/scheduler.ts";
import { causeOf, policyOf } from "./status.ts";
import type { UnreadableFile } from "./store/collection.ts";
import { type KeptProcess, Store } from "./store/store.ts";
import { supervisedEngine } from "./supervised-engine.ts";
import { gateOf, isGone, Supervisor } from "./supervisor.ts";
import { Timers } from "./timers.ts";

export interface SupervisionOptions {
  readonly engine: SupervisedEngine;
  readonly stateDirectory: string;
  /** See `readBootId`. */
  readonly bootId: string;
  readonly log: Log;
  /** Milliseconds since the epoch. Default: the wall clock. */
  readonly now?: () => number;
}

/** Supervision, at work. */
export interface Supervision {
  /** What clients are served with. */
  readonly engine: Engine;
  readonly schedules: Scheduler;
  readonly queues: Queues;
  readonly projects: Projects;
  /** The place of a process in its queue while it waits there, from 1; 0: it does not. */
  queuePosition: Supervisor["queuePosition"];
  waitUntil: Supervisor["waitUntil"];
  /** Files of the state directory that could not be read and were kept. */
  readonly unreadable: readonly UnreadableFile[];
  /** Resolves when everything that was decided so far is on disk. */
  flush(): Promise<void>;
  /** Ends all of it. Processes run on, and what is on record is carried on by the next daemon. */
  close(): Promise<void>;
}

/**
 * Takes up supervision: what waits goes on waiting, what was due meanwhile is
 * made up for, and after a reboot what is meant to run is started.
 *
 * @throws a Node system error if the state directory cannot be used
 */
export async function openSupervision(options: SupervisionOptions): Promise<Supervision> {
  const { engine, stateDirectory, bootId, log } = options;
  const store = new Store(stateDirectory);
  for (const { path, problem, newer } of store.unreadable) {
    log.error({ path, problem, newer }, "a file of the state directory cannot be read; it is kept");
  }
  const timers = new Timers((error) => log.error({ err: error }, "what was due at this time failed"));
  const ground: Ground = { engine, store, timers, now: options.now ?? Date.now, bootId, log };
  const supervisor = new Supervisor(ground);
  const schedules = new Scheduler(ground, supervisor);
  const projects = new Projects(ground, supervisor, schedules);
  supervisor.attachSchedules(schedules);
  engine.supervise(supervisor);

  const rebooted = store.bootId !== bootId;
  if (rebooted) {
    await startKept(ground);
    projects.startAtBoot();
  } else {
    await forgetRemoved(ground);
  }
  const interrupted: string[] = [];
  supervisor.open((process) => {
    if (isStopInterrupted(process)) interrupted.push(process.id);
  });
  for (const id of interrupted) stopAgain(ground, id);
  projects.open();
  schedules.open();
  if (rebooted) {
    await store.flush();
    // Last: a daemon that dies before begins with all of it anew, and finds what was made.
    store.setBootId(bootId);
  }
  return {
    engine: supervisedEngine(ground, supervisor),
    schedules,
    queues: new Queues(ground, supervisor),
    projects,
    queuePosition: (process) => supervisor.queuePosition(process),
    waitUntil: (ref, wanted, signal) => supervisor.waitUntil(ref, wanted, signal),
    unreadable: store.unreadable,
    flush: () => store.flush(),
    async close() {
      schedules.close();
      await projects.close();
      await supervisor.close();
      ground.timers.close();
      await store.flush();
    },
  };
}

/** Makes what was there before the reboot, and lets begin what is meant to run. Projects make their own. */
async function startKept(ground: Ground): Promise<void> {
  const { engine, store, now, log } = ground;
  const known = new Set(engine.select(everything));
  for (const kept of store.processes.values()) {
    if (kept.project !== "" || known.has(kept.id)) {
      continue;
    }
    const begins = startsAtBoot(kept.spec.policy?.restart ?? null, kept.desiredState === "running");
    const cause = causeOf("boot", "");
    try {
      await engine.create(
        { id: kept.id, name: kept.name, labels: kept.labels, spec: kept.spec },
        {
          supervision: {
            ...nothingKept,
            schedule: kept.schedule,
            waiting: begins ? gateOf(cause, now()) : waitingForSchedule(kept, now()),
          },
          state: begins || (kept.schedule !== "" && !kept.stopped) ? "waiting" : null,
          desiredState: begins || (kept.schedule !== "" && !kept.stopped) ? "running" : "stopped",
          event: null,
          cause,
        },
        { principal: "", requestId: "", precondition: null, cause },
      );
    } catch (error) {
      log.error({ err: error, process: kept.id, name: kept.name }, "a process could not be made after the reboot");
    }
  }
}

function waitingForSchedule(kept: KeptProcess, now: number) {
  return kept.schedule === "" || kept.stopped
    ? null
    : {
        reason: "schedule" as const,
        until: null,
        for: [kept.schedule],
        why: "",
        cause: causeOf("schedule", kept.schedule),
        since: now,
      };
}

/** In the same boot, what is not in the engine was removed, and the daemon died before that was on disk. */
async function forgetRemoved({ engine, store }: Ground): Promise<void> {
  const known = new Set(engine.select(everything));
  const gone = store.processes.values().filter(({ id }) => !known.has(id));
  await Promise.all(gone.map(({ id }) => store.processes.delete(id)));
}

/** A stop whose own command was being run when the daemon died. */
function isStopInterrupted(process: ProcessInfo): boolean {
  return policyOf(process).stopCommand !== null && process.desiredState === "stopped" && isUnderWay(process);
}

function stopAgain({ engine, log }: Ground, id: string): void {
  const cause = causeOf("recovery", "a stop was under way");
  const context = { principal: "", requestId: "", precondition: null, cause };
  engine.stop({ id }, { signal: "", graceMs: null, force: true, wait: false }, context).catch((error: unknown) => {
    if (!isGone(error)) {
      log.warn({ err: error, process: id }, "a process that is meant to be stopped could not be");
    }
  });
}
