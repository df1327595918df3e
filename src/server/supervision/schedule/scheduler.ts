import { mostSimilar } from "../../../common/similar.ts";
import type { Cause } from "../../engine/api/cause.ts";
import type { RequestContext, StartRequest } from "../../engine/api/control.ts";
import type { ProcessInfo } from "../../engine/api/process.ts";
import { nothingKept } from "../../engine/api/supervision.ts";
import type { ScheduleClaim } from "../after-run.ts";
import { SupervisionError } from "../errors.ts";
import type { Ground } from "../ground.ts";
import { same } from "../project/changes.ts";
import { isUnderWay } from "../restart/outcome.ts";
import { causeOf, eventOf, keptOf } from "../status.ts";
import { isGone, type ScheduleClaims, type Supervisor } from "../supervisor.ts";
import { cronProblem } from "./cron.ts";
import {
  afterStepBack,
  type CatchUpPolicy,
  dealtWith,
  due,
  nextTime,
  type OverlapPolicy,
  onOverlap,
  type ScheduleRecord,
  type ScheduleResult,
  type Timing,
} from "./schedule.ts";

const maxSchedules = 10_000;
/** The wall clock may be set at any time: no timer runs longer than this before it is looked at again. */
const maxSleepMs = 30_000;

export interface ScheduleRequest {
  readonly name: string;
  readonly processId: string;
  readonly timing: Timing;
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUpPolicy;
  readonly paused: boolean;
}

export interface SetConditions {
  /** Refuses to replace another schedule. */
  readonly createOnly?: boolean;
  /** Empty: any. */
  readonly resourceVersion?: string;
}

export interface ScheduleStatus extends ScheduleRecord {
  /** Milliseconds since the epoch; null: not known to be. */
  readonly nextTime: number | null;
}

/** Starts processes when they are due. */
export class Scheduler implements ScheduleClaims {
  readonly #ground: Ground;
  readonly #supervisor: Supervisor;
  /** Since when there has been a daemon, by the clock as it was last set. */
  #present: number;
  readonly #next = new Map<string, number | null>();
  #lastLook: number;
  #closed = false;

  constructor(ground: Ground, supervisor: Supervisor) {
    this.#ground = ground;
    this.#supervisor = supervisor;
    this.#present = ground.now();
    this.#lastLook = this.#present;
  }

  /** Makes up for what was due meanwhile, and goes on. */
  open(): void {
    const { store, bootId } = this.#ground;
    for (const schedule of store.schedules.values()) {
      if (schedule.timing.kind === "boot" && schedule.bootId !== bootId && !schedule.paused) {
        this.#act({ ...schedule, bootId }, 1, this.#present);
      }
    }
    this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#ground.timers.clear("schedules");
  }

  claim(process: ProcessInfo): ScheduleClaim | null {
    const name = keptOf(process).schedule;
    const schedule = name === "" ? undefined : this.#ground.store.schedules.get(name);
    if (schedule === undefined || schedule.processId !== process.id) {
      return null;
    }
    return { name, owed: schedule.owed > 0, next: this.#nextOf(schedule) };
  }

  take(name: string): void {
    const schedule = this.#ground.store.schedules.get(name);
    if (schedule !== undefined && schedule.owed > 0) {
      this.#save({ ...schedule, owed: schedule.owed - 1 });
    }
  }

  get(name: string): ScheduleStatus {
    const schedule = this.#ground.store.schedules.get(name);
    if (schedule === undefined) {
      const similar = mostSimilar(
        name,
        this.list().map((one) => one.name),
      );
      throw new SupervisionError("SCHEDULE_NOT_FOUND", `there is no schedule ${JSON.stringify(name)}`, {
        name,
        ...(similar === undefined ? {} : { suggestion: similar }),
      });
    }
    return { ...schedule, nextTime: this.#nextOf(schedule) };
  }

  list(): readonly ScheduleStatus[] {
    return this.#ground.store.schedules.values().map((schedule) => ({ ...schedule, nextTime: this.#nextOf(schedule) }));
  }

  /**
   * Makes or replaces a schedule. It is on disk when this resolves.
   *
   * @throws SupervisionError INVALID_ARGUMENT, LIMIT_EXCEEDED; EngineError PROCESS_NOT_FOUND
   */
  async set(request: ScheduleRequest, cause: Cause, conditions: SetConditions = {}): Promise<ScheduleStatus> {
    const { store, now, bootId, engine } = this.#ground;
    checkTiming(request.timing, now());
    const before = store.schedules.get(request.name);
    checkConditions(request, before, conditions);
    if (before === undefined && store.schedules.size >= maxSchedules) {
      throw new SupervisionError("LIMIT_EXCEEDED", `there are ${maxSchedules} schedules already`, {
        limit: "schedules",
      });
    }
    const unchanged = before !== undefined && sameRequest(before, request);
    const schedule: ScheduleRecord = unchanged
      ? before
      : {
          ...request,
          createTime: now(),
          lastTime: null,
          lastResult: null,
          owed: 0,
          // What is for each boot begins with the next one.
          bootId,
          version: (before?.version ?? 0) + 1,
        };
    const process = engine.get({ id: request.processId });
    const kept = keptOf(process);
    if (kept.schedule !== request.name) {
      engine.setSupervision(process.id, process.run.number, {
        supervision: { ...kept, schedule: request.name },
        event: null,
        cause,
      });
    }
    if (before !== undefined && before.processId !== request.processId) {
      this.#release(before, cause);
    }
    await this.#save(schedule);
    this.#showNext(schedule, cause);
    this.#arm();
    return this.get(request.name);
  }

  /** Makes a process for a schedule: it has no run yet. The same again is the process that there is. */
  async create(request: StartRequest, context: RequestContext): Promise<ProcessInfo> {
    const cause = context.cause ?? causeOf("request", "", context);
    const { process } = await this.#ground.engine.create(
      request,
      { supervision: nothingKept, state: null, desiredState: "stopped", event: null, cause },
      context,
    );
    this.#supervisor.known(process);
    return process;
  }

  async pause(name: string, paused: boolean): Promise<ScheduleStatus> {
    const schedule = this.get(name);
    if (schedule.paused !== paused) {
      const { nextTime: _, ...record } = schedule;
      // What passed while it was paused is dealt with.
      await this.#save({ ...record, paused, lastTime: this.#ground.now(), version: record.version + 1 });
      this.#showNext(this.get(name), causeOf("schedule", name));
      this.#arm();
    }
    return this.get(name);
  }

  async trigger(name: string, cause: Cause): Promise<ScheduleStatus> {
    const { nextTime: _, ...record } = this.get(name);
    this.#begin(record, 1, { ...cause, kind: "schedule", detail: name });
    await this.#ground.store.schedules.flush();
    return this.get(name);
  }

  async remove(name: string, cause: Cause): Promise<void> {
    const schedule = this.get(name);
    await this.#ground.store.schedules.delete(name);
    this.#next.delete(name);
    this.#release(schedule, cause);
    this.#arm();
  }

  /** A process that a schedule lets go of; one that waits for it alone is stopped. */
  #release({ name, processId }: ScheduleRecord, cause: Cause): void {
    const { engine } = this.#ground;
    const process = this.#process(processId);
    if (process === null || keptOf(process).schedule !== name) {
      return;
    }
    engine.setSupervision(processId, process.run.number, {
      supervision: { ...keptOf(process), schedule: "" },
      event: null,
      cause,
    });
    if (process.state === "waiting" && process.supervision?.waiting?.reason === "schedule") {
      this.#supervisor.cancelWaiting(processId, cause);
    }
  }

  /** A process that waits for its schedule says until when. */
  #showNext(schedule: ScheduleRecord, cause: Cause): void {
    const { engine, now } = this.#ground;
    const process = this.#process(schedule.processId);
    if (process === null || isUnderWay(process)) {
      return;
    }
    const kept = keptOf(process);
    const idle = process.state !== "waiting" || kept.waiting?.reason === "schedule";
    if (idle && (process.desiredState === "running" || process.run.number === 0)) {
      engine.setSupervision(process.id, process.run.number, {
        supervision: {
          ...kept,
          waiting: {
            reason: "schedule",
            until: this.#nextOf(schedule),
            for: [schedule.name],
            why: "",
            cause: causeOf("schedule", schedule.name),
            since: kept.waiting?.since ?? now(),
          },
        },
        state: "waiting",
        desiredState: "running",
        event: eventOf("waiting", { schedule: schedule.name, until: this.#nextOf(schedule) }),
        cause,
      });
    }
  }

  #nextOf(schedule: ScheduleRecord): number | null {
    if (schedule.paused) {
      return null;
    }
    const known = this.#next.get(schedule.name);
    if (known !== undefined) {
      return known;
    }
    // What is due already and not dealt with comes first.
    const next =
      schedule.timing.kind === "at"
        ? schedule.lastTime === null
          ? schedule.timing.time
          : null
        : nextTime(schedule, dealtWith(schedule));
    this.#next.set(schedule.name, next);
    return next;
  }

  #save(schedule: ScheduleRecord): Promise<void> {
    this.#next.delete(schedule.name);
    const written = this.#ground.store.schedules.set(schedule.name, schedule);
    written.catch((error: unknown) => {
      this.#ground.log.error({ err: error, schedule: schedule.name }, "a schedule could not be written");
    });
    return written;
  }

  #arm(): void {
    const { timers, now, store } = this.#ground;
    if (this.#closed || store.schedules.size === 0) {
      timers.clear("schedules");
      return;
    }
    const times = store.schedules.values().map((schedule) => this.#nextOf(schedule) ?? Number.POSITIVE_INFINITY);
    const first = times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
    timers.set("schedules", Math.min(maxSleepMs, Math.max(0, first - now())), () => this.#look());
  }

  #look(): void {
    const now = this.#ground.now();
    if (now < this.#lastLook) {
      // The clock was set back: what was computed from it does not hold.
      this.#next.clear();
      this.#present = Math.min(this.#present, now);
    }
    this.#lastLook = now;
    for (const found of this.#ground.store.schedules.values()) {
      const schedule = this.#steppedBack(found, now);
      const next = this.#nextOf(schedule);
      if (next === null || next > now) {
        continue;
      }
      const times = due(schedule, this.#present, now);
      if (times !== null) {
        this.#act(schedule, times.runs, times.time);
      }
    }
    this.#arm();
  }

  #steppedBack(schedule: ScheduleRecord, now: number): ScheduleRecord {
    const next = afterStepBack(schedule, now);
    if (next !== schedule) {
      void this.#save(next).catch(() => undefined);
      this.#showNext(next, causeOf("schedule", "the clock was set back"));
    }
    return next;
  }

  /** Deals with times that were due. */
  #act(schedule: ScheduleRecord, runs: number, time: number): void {
    const { engine, log } = this.#ground;
    if (runs === 0) {
      void this.#save({ ...schedule, lastTime: time, lastResult: "missed" }).catch(() => undefined);
      engine.record(
        "scheduleSkipped",
        eventOf("scheduleSkipped", { schedule: schedule.name }).detail,
        causeOf("schedule", "there was no daemon"),
      );
      this.#showNext({ ...schedule, lastTime: time }, causeOf("schedule", schedule.name));
      return;
    }
    try {
      this.#begin(
        { ...schedule, lastTime: time },
        runs,
        causeOf("schedule", `${schedule.name} of ${new Date(time).toISOString()}`),
      );
    } catch (error) {
      log.error({ err: error, schedule: schedule.name }, "a schedule could not start its process");
      void this.#save({ ...schedule, lastTime: time, lastResult: "failed" }).catch(() => undefined);
    }
  }

  #begin(schedule: ScheduleRecord, runs: number, cause: Cause): void {
    const process = this.#process(schedule.processId);
    if (process === null) {
      void this.#save({ ...schedule, lastResult: "failed" }).catch(() => undefined);
      return;
    }
    const result = this.#beginRun(schedule, process, runs, cause);
    if (schedule.timing.kind === "at" && result === "started") {
      this.#next.delete(schedule.name);
      this.#ground.store.schedules.delete(schedule.name).catch((error: unknown) => {
        this.#ground.log.error({ err: error, schedule: schedule.name }, "a schedule could not be removed");
      });
    }
  }

  #beginRun(schedule: ScheduleRecord, process: ProcessInfo, runs: number, cause: Cause): ScheduleResult {
    const { engine } = this.#ground;
    const { waiting } = keptOf(process);
    const waits = process.state === "waiting" && waiting !== null && waiting.reason !== "schedule";
    // The same time, begun before the daemon died and before that was on disk.
    const again = [process.run.number > 0 ? process.run.cause : null, waits ? waiting.cause : null].some(
      (known) => known?.kind === "schedule" && known.detail === cause.detail && cause.detail !== schedule.name,
    );
    const busy = isUnderWay(process) || waits;
    const decision = again ? "skip" : onOverlap(schedule.overlap, busy);
    const settle = (result: ScheduleResult, owed: number): ScheduleResult => {
      void this.#save({ ...schedule, lastResult: result, owed }).catch(() => undefined);
      return result;
    };
    switch (decision) {
      case "start": {
        // On record with the process first: if the daemon dies now, the next one goes on from there.
        const change = schedule.timing.kind === "at" ? { schedule: "" } : {};
        this.#supervisor.request(process.id, cause, change);
        return settle("started", runs - 1);
      }
      case "queue":
        return settle("queued", 1);
      case "replace":
        if (!isUnderWay(process)) {
          return settle("skipped", schedule.owed);
        }
        settle("started", 1);
        this.#supervisor.stopRun(process.id, process.run.number, cause);
        return "started";
      case "skip":
        if (!again) {
          engine.record("scheduleSkipped", eventOf("scheduleSkipped", { schedule: schedule.name }).detail, cause);
        }
        return settle(again ? "started" : "skipped", schedule.owed);
    }
  }

  #process(id: string): ProcessInfo | null {
    try {
      return this.#ground.engine.get({ id });
    } catch (error) {
      if (isGone(error)) {
        return null;
      }
      throw error;
    }
  }
}

function sameRequest(before: ScheduleRecord, request: ScheduleRequest): boolean {
  const { processId, timing, overlap, catchUp, paused } = before;
  const { name: _, ...wanted } = request;
  return same({ processId, timing, overlap, catchUp, paused }, wanted);
}

function checkConditions(
  request: ScheduleRequest,
  before: ScheduleRecord | undefined,
  { createOnly = false, resourceVersion = "" }: SetConditions,
): void {
  const { name } = request;
  if (createOnly && before !== undefined && !sameRequest(before, request)) {
    throw new SupervisionError("SCHEDULE_EXISTS", `there is a schedule ${JSON.stringify(name)} already`, { name });
  }
  const actual = String(before?.version ?? 0);
  if (resourceVersion !== "" && resourceVersion !== actual) {
    throw new SupervisionError("CONDITION_FAILED", `the schedule is of version ${actual}, not ${resourceVersion}`, {
      field: "resource_version",
      expected: resourceVersion,
      actual,
    });
  }
}

function checkTiming(timing: Timing, now: number): void {
  if (timing.kind === "cron") {
    const found = cronProblem(timing.expression, timing.timeZone, now);
    if (found !== undefined) {
      const field = /time zone/.test(found) ? "schedule.time_zone" : "schedule.cron";
      throw new SupervisionError("INVALID_ARGUMENT", `${field}: ${found}`, { field });
    }
  }
}
