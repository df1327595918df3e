import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { Cause } from "../engine/api/cause.ts";
import { everything } from "../engine/api/list.ts";
import type { HookEvent } from "../engine/api/policy.ts";
import type { ProcessInfo, ProcessRef } from "../engine/api/process.ts";
import {
  type NotifyMessage,
  noAttempts,
  type Supervision,
  type SupervisionChange,
  type SupervisionHook,
  type Waiting,
} from "../engine/api/supervision.ts";
import type { WatchEvent } from "../engine/api/watch.ts";
import { EngineError } from "../engine/errors.ts";
import { afterRun, restingChange, type ScheduleClaim, whileWaiting } from "./after-run.ts";
import { unmet } from "./dependency/gate.ts";
import type { Ground } from "./ground.ts";
import { Hooks } from "./hooks.ts";
import { Prober } from "./probe/prober.ts";
import { same } from "./project/changes.ts";
import { processNameOf } from "./project/plan.ts";
import { admitted, inOrder, newQueue, type QueueRecord, type Waiter } from "./queue/order.ts";
import { outlivesBoot } from "./restart/decide.ts";
import { hasEnded, isUnderWay } from "./restart/outcome.ts";
import { causeOf, forRun, keptOf, policyOf, waitingChange } from "./status.ts";
import type { KeptProcess } from "./store/store.ts";
import { type Wellbeing, wellbeingOf } from "./wait-until.ts";

/** How long until a start is tried again that the machine or the daemon refused. */
const retryMs = 10_000;
const maxNamed = 64;
/** How long until a watch that failed begins anew. */
const rewatchMs = 1000;
/** Changes that are looked at in one go, before others get their turn: a watch begins with every process. */
const batch = 100;

/** Whose schedule a process is. */
export interface ScheduleClaims {
  /** Null: none. */
  claim(process: ProcessInfo): ScheduleClaim | null;
  /** An owed run is about to begin. */
  take(name: string): void;
}

/**
 * Decides what becomes of processes, and sees to it. What it knows beside the
 * processes themselves is only an index of them, so that at any moment
 * `consider` can decide anew about each; what it decides is on record before it
 * acts.
 */
export class Supervisor implements SupervisionHook {
  readonly #ground: Ground;
  readonly #prober: Prober;
  readonly #hooks: Hooks;
  readonly #ending = new AbortController();
  #schedules: ScheduleClaims = { claim: () => null, take: () => undefined };
  /** Processes by the project and their name in it: "project\0name". */
  readonly #members = new Map<string, Set<string>>();
  readonly #memberKey = new Map<string, string>();
  /** Processes that wait for a reference. */
  readonly #waitingFor = new Map<string, Set<string>>();
  readonly #references = new Map<string, readonly string[]>();
  /** Processes by their queue. */
  readonly #queued = new Map<string, Set<string>>();
  readonly #queueOf = new Map<string, string>();
  /** Runs that are being begun. */
  readonly #beginning = new Map<string, Promise<void>>();
  readonly #stopping = new Map<string, number>();
  /** The latest run for which the hooks of its start were run. */
  readonly #startedRun = new Map<string, number>();
  /** The daemon stops every process, and means none of it. */
  #draining = false;
  #watching: Promise<void> | undefined;

  constructor(ground: Ground) {
    this.#ground = ground;
    this.#prober = new Prober(ground, (id, run, cause) => this.stopRun(id, run, cause));
    this.#hooks = new Hooks(ground);
  }

  /** Before `open`. */
  attachSchedules(schedules: ScheduleClaims): void {
    this.#schedules = schedules;
  }

  /**
   * Takes up what an earlier daemon left, and watches from then on.
   *
   * @param look Is called with each process.
   */
  open(look: (process: ProcessInfo) => void): void {
    const { engine } = this.#ground;
    const undecided: string[] = [];
    for (const id of engine.select(everything)) {
      const process = engine.get({ id });
      this.#startedRun.set(id, process.run.number);
      this.#index(process);
      if (process.state === "waiting" || isLeft(process)) undecided.push(id);
      look(process);
    }
    // Of those that run there is nothing to decide, and there may be thousands.
    for (const id of undecided) {
      this.#decideLate(id);
      this.considerId(id);
    }
    this.#watching = this.#watch();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#prober.close();
    this.#hooks.close();
    await this.#watching;
    await Promise.allSettled(this.#beginning.values());
  }

  /** Everything is about to be stopped without a change of what is meant to run. */
  drain(): void {
    this.#draining = true;
  }

  runEnded(process: ProcessInfo): SupervisionChange | null {
    if (this.#watching !== undefined) {
      // A short run may have ended before the watch has told of its start.
      this.#hookOnStart(process);
    }
    this.#hooks.run(process, "exited");
    if (this.#draining) {
      return { supervision: keptOf(process), event: null, cause: causeOf("exit", "") };
    }
    return this.#afterRun(process);
  }

  mayRemove(process: ProcessInfo): boolean {
    const { project, schedule, waiting } = keptOf(process);
    return project === "" && schedule === "" && waiting === null && process.state !== "givenUp";
  }

  notified(message: NotifyMessage): void {
    this.#prober.notified(message);
  }

  /**
   * A run is to begin as soon as dependencies and queue allow. It is on record
   * when this returns.
   *
   * @param change What else changes in what is kept.
   */
  request(id: string, cause: Cause, change: Partial<Supervision> = {}): ProcessInfo {
    const { engine, now } = this.#ground;
    const process = engine.get({ id });
    const kept: Supervision = { ...keptOf(process), ...change };
    engine.setSupervision(id, process.run.number, waitingChange(kept, gateOf(cause, now())));
    this.considerId(id);
    return engine.get({ id });
  }

  /** Resolves when the run that is being begun has begun, or could not. */
  async settled(id: string): Promise<void> {
    await this.#beginning.get(id);
  }

  /** Nothing is to begin any more: somebody asked to stop it. */
  cancelWaiting(id: string, cause: Cause): void {
    const { engine, timers } = this.#ground;
    const process = engine.get({ id });
    timers.clear(`wait/${id}`);
    engine.setSupervision(id, process.run.number, {
      supervision: { ...keptOf(process), waiting: null, attempts: noAttempts },
      state: null,
      desiredState: "stopped",
      event: null,
      cause,
    });
  }

  /** Supervision itself stops a run, which then counts as failed. */
  stopRun(id: string, run: number, cause: Cause): void {
    const { engine, log } = this.#ground;
    if (this.#stopping.get(id) === run) {
      return;
    }
    try {
      const process = engine.get({ id });
      if (process.run.number !== run || !isUnderWay(process)) {
        return;
      }
      engine.setSupervision(id, run, {
        supervision: { ...keptOf(process), stopping: { run, cause } },
        event: null,
        cause,
      });
    } catch (error) {
      log.debug({ err: error, process: id }, "a run that was to be stopped is gone");
      return;
    }
    this.#stopping.set(id, run);
    const context = {
      principal: cause.principal,
      requestId: "",
      precondition: { run, resourceVersion: "" },
      cause,
    };
    engine
      .stop({ id }, { signal: "", graceMs: null, force: true, wait: true }, context, this.#ending.signal)
      .catch((error: unknown) => {
        if (!this.#ending.signal.aborted) {
          log.warn({ err: error, process: id }, "a run could not be stopped");
        }
      })
      .finally(() => {
        if (this.#stopping.get(id) === run) {
          this.#stopping.delete(id);
        }
      });
  }

  /** The queue with those that run and wait in it, the next one first. */
  queueMembers(name: string): { readonly running: readonly string[]; readonly waiters: readonly Waiter[] } {
    const { timers } = this.#ground;
    const running: string[] = [];
    const waiters: Waiter[] = [];
    for (const process of this.#present(this.#queued.get(name) ?? [])) {
      const { id, sequence } = process;
      const waiting = process.state === "waiting" ? process.supervision?.waiting : null;
      if (isUnderWay(process) || this.#beginning.has(id)) {
        running.push(id);
      } else if (waiting?.reason === "queue" && !timers.has(`wait/${id}`)) {
        waiters.push({ id, since: waiting.since, sequence });
      }
    }
    return { running, waiters };
  }

  queueNames(): readonly string[] {
    return [...this.#queued.keys()];
  }

  queue(name: string): QueueRecord {
    return this.#ground.store.queues.get(name) ?? newQueue(name);
  }

  /** Lets those in a queue begin that may. */
  pump(name: string): void {
    const { running, waiters } = this.queueMembers(name);
    for (const id of admitted(this.queue(name), waiters, running.length)) {
      this.#begin(id);
    }
  }

  /**
   * Decides anew about one process. Whatever happens between two calls, the
   * second one finds it.
   *
   * @param due The waiting that began then is over, whatever the wall clock says: a clock that nobody sets says so.
   */
  considerId(id: string, due = Number.NaN): void {
    let process: ProcessInfo;
    try {
      process = this.#ground.engine.get({ id });
    } catch (error) {
      if (isGone(error)) {
        return;
      }
      throw error;
    }
    this.#consider(process, due);
  }

  #consider(process: ProcessInfo, due: number): void {
    const { timers, now, engine } = this.#ground;
    const { id } = process;
    const waiting = process.state === "waiting" ? (process.supervision?.waiting ?? null) : null;
    if (waiting === null || this.#ending.signal.aborted) {
      timers.clear(`wait/${id}`);
      this.#waitFor(id, []);
      return;
    }
    if (process.desiredState === "stopped") {
      // Somebody asked to stop it as it ended.
      this.cancelWaiting(id, process.run.stop?.cause ?? process.lastChange.cause);
      return;
    }
    // The policy may have been changed meanwhile: the new one decides.
    const change = this.#beginning.has(id) ? null : whileWaiting(process, this.#schedules.claim(process), now());
    if (change !== null) {
      this.#consider(engine.setSupervision(id, process.run.number, change), Number.NaN);
      return;
    }
    switch (waiting.reason) {
      case "schedule":
        // Whose schedule is gone waits for nothing.
        this.#waitFor(id, []);
        if (this.#schedules.claim(process) === null) {
          this.cancelWaiting(id, causeOf("schedule", "its schedule is gone"));
        }
        return;
      case "restart": {
        this.#waitFor(id, []);
        // A clock that was set back does not make it wait longer than was decided.
        const until = waiting.until ?? 0;
        const delay = Math.min(until - now(), until - waiting.since);
        if (delay > 0 && waiting.since !== due) {
          timers.set(`wait/${id}`, delay, () => this.considerId(id, waiting.since));
          return;
        }
        this.#passGates(process, waiting);
        return;
      }
      case "dependency":
        if (!this.#isPostponed(id, waiting, due)) {
          this.#passGates(process, waiting);
        }
        return;
      case "queue":
        if (this.#isPostponed(id, waiting, due)) {
          return;
        }
        if (policyOf(process).queue === "") {
          this.#passGates(process, waiting);
        } else {
          this.#waitFor(id, []);
          this.pump(policyOf(process).queue);
        }
        return;
    }
  }

  /** It was refused a moment ago, and is tried again in time. */
  #isPostponed(id: string, waiting: Waiting, due: number): boolean {
    const { timers, now } = this.#ground;
    const left = waiting.until === null ? 0 : Math.min(retryMs, waiting.until - now());
    if (left <= 0 || waiting.since === due) {
      return false;
    }
    timers.set(`wait/${id}`, left, () => this.considerId(id, waiting.since));
    return true;
  }

  /** Dependencies first, then the queue: what waits for another process takes nobody's turn. */
  #passGates(process: ProcessInfo, waiting: Waiting): void {
    const { now } = this.#ground;
    const { id } = process;
    const policy = policyOf(process);
    const missing = unmet(policy.dependsOn, (reference) => this.#find(process, reference));
    if (missing.length > 0) {
      this.#waitFor(
        id,
        policy.dependsOn.map((dependency) => dependency.process),
      );
      const names = missing.slice(0, maxNamed).map(({ name }) => name);
      const why = missing
        .map((one) => `${one.name}: ${one.why}`)
        .join("; ")
        .slice(0, 1024);
      this.#record(process, { ...waiting, reason: "dependency", until: null, for: names, why, since: now() });
      return;
    }
    this.#waitFor(id, []);
    if (policy.queue !== "") {
      this.#record(process, { ...waiting, reason: "queue", until: null, for: [policy.queue], why: "", since: now() });
      this.pump(policy.queue);
      return;
    }
    this.#begin(id);
  }

  #record(process: ProcessInfo, next: Waiting): void {
    const before = process.supervision?.waiting;
    // The same waiting goes on: its beginning counts, in a queue too.
    const waiting = before?.reason === next.reason ? { ...next, since: before.since } : next;
    if (same(before, waiting)) {
      return;
    }
    const kind = waiting.reason === "queue" ? "queue" : "dependency";
    const queue = waiting.reason === "queue" ? policyOf(process).queue : "";
    this.#ground.engine.setSupervision(process.id, process.run.number, {
      ...waitingChange(keptOf(process), waiting, { queue }),
      cause: causeOf(kind, waiting.why),
    });
  }

  #begin(id: string): void {
    if (this.#beginning.has(id) || this.#ending.signal.aborted || this.#draining) {
      return;
    }
    const done = this.#beginRun(id).finally(() => {
      this.#beginning.delete(id);
      this.considerId(id);
      const queue = this.#queueOf.get(id);
      if (queue !== undefined) {
        this.pump(queue);
      }
    });
    this.#beginning.set(id, done);
  }

  /** Never throws. */
  async #beginRun(id: string): Promise<void> {
    const { engine, log, now } = this.#ground;
    let tried: Waiting | null = null;
    try {
      const before = engine.get({ id });
      if (before.state === "waiting" && before.run.treeAlive) {
        await this.#endRest(id);
      }
      // As it is by now: somebody may have stopped it meanwhile.
      const process = engine.get({ id });
      const { waiting } = keptOf(process);
      if (process.state !== "waiting" || waiting === null) {
        return;
      }
      tried = waiting;
      const change = (is: ProcessInfo) => forRun(keptOf(is), is.run.number + 1, policyOf(is));
      await engine.startRun(id, change, waiting.cause);
    } catch (error) {
      if (!(error instanceof EngineError)) {
        log.error({ err: error, process: id }, "a run could not begin");
      } else if (["START_FAILED", "PROCESS_NOT_FOUND", "SHUTTING_DOWN", "CONDITION_FAILED"].includes(error.reason)) {
        // The run's end, or the process's, was reported by itself.
        return;
      }
      this.#postpone(id, error as Error, now(), tried);
    }
  }

  /** What the main process left behind holds what the next run needs, such as its port. */
  async #endRest(id: string): Promise<void> {
    // Nobody asks to stop the process.
    const cause = causeOf("exit", "the next run begins");
    const how = { signal: "", graceMs: null, force: true, wait: true };
    await this.#ground.engine.stop({ id }, how, { principal: "", requestId: "", precondition: null, cause });
  }

  /**
   * It could not even be tried: its name is taken, or the daemon is full.
   *
   * @param tried What it waited for then. What it waits for since, after a run that somebody else began, has a time of
   * its own.
   */
  #postpone(id: string, error: Error, now: number, tried: Waiting | null): void {
    const { engine, timers, log } = this.#ground;
    try {
      const process = engine.get({ id });
      const kept = keptOf(process);
      if (process.state !== "waiting" || kept.waiting === null || (tried && kept.waiting.since !== tried.since)) {
        return;
      }
      const next = { ...kept.waiting, until: now + retryMs };
      // An attempt's own time has come: what it waits for now is no backoff.
      const waiting: Waiting =
        next.reason === "restart"
          ? { ...next, reason: "dependency", why: error.message.slice(0, 1024), since: now }
          : next;
      engine.setSupervision(id, process.run.number, {
        ...waitingChange(kept, waiting),
        cause: causeOf("startFailure", error.message.slice(0, 1024)),
      });
      timers.set(`wait/${id}`, retryMs, () => this.considerId(id, waiting.since));
    } catch (problem) {
      log.debug({ err: problem, process: id }, "a process that was to begin is gone");
    }
  }

  #afterRun(process: ProcessInfo): SupervisionChange | null {
    const claim = this.#schedules.claim(process);
    const change = afterRun(process, claim, this.#ground.now());
    if (claim?.owed === true && change?.supervision.waiting?.reason === "dependency") {
      this.#schedules.take(claim.name);
    }
    return change;
  }

  #decideLate(id: string): void {
    const { engine, log } = this.#ground;
    try {
      const process = engine.get({ id });
      if (isLeft(process)) {
        engine.setSupervision(id, process.run.number, this.#afterRun(process) ?? restingChange(process));
      }
    } catch (error) {
      if (!(error instanceof EngineError)) {
        throw error;
      }
      // A removal that the last daemon had begun has ended its run.
      log.debug({ err: error, process: id }, "a process whose end was to be decided is being removed");
    }
  }

  async #watch(): Promise<void> {
    const { engine, log } = this.#ground;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        const options = { resourceVersion: "", filter: everything, bookmarkMs: 3_600_000 };
        let seen = 0;
        for await (const event of engine.watch(options, signal)) {
          if (event.type !== "bookmark") {
            this.#see(event);
          }
          if (++seen % batch === 0) {
            await setImmediate();
          }
        }
      } catch (error) {
        if (signal.aborted || (error instanceof EngineError && error.reason === "SHUTTING_DOWN")) {
          return;
        }
        // A watch that falls behind begins anew, with everything there is.
        log.warn({ err: error }, "supervision's watch begins anew");
        await sleep(rewatchMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** What fails with one process must not keep supervision from the others. */
  #see(event: Exclude<WatchEvent, { type: "bookmark" }>): void {
    const id = event.type === "removed" ? event.id : event.process.id;
    try {
      if (event.type === "removed") {
        this.#removed(id);
      } else {
        this.#changed(id);
      }
    } catch (error) {
      this.#ground.log.error({ err: error, process: id }, "supervision of a process failed");
    }
  }

  /** By what it is now: a watch tells of what it was, and deciding by that would undo what came after. */
  #changed(id: string): void {
    const process = this.#presentOne(id);
    if (process === undefined) {
      return;
    }
    this.#index(process);
    this.#prober.update(process);
    this.#keep(process);
    this.#hookOnStart(process);
    this.#hookOnTurn(process);
    if (process.state === "waiting" || this.#references.has(id) || this.#ground.timers.has(`wait/${id}`)) {
      this.considerId(id);
    }
    for (const waiter of this.#waitersFor(process)) {
      this.considerId(waiter);
    }
    const queue = this.#queueOf.get(id);
    if (queue !== undefined) {
      this.pump(queue);
    }
    this.#tellChange(id);
  }

  #hookOnStart(process: ProcessInfo): void {
    const { id, run } = process;
    if (run.number > 0 && run.startTime !== null && (this.#startedRun.get(id) ?? 0) < run.number) {
      this.#startedRun.set(id, run.number);
      this.#hooks.run(process, "started");
    }
  }

  readonly #turned = new Map<string, string>();
  #hookOnTurn(process: ProcessInfo): void {
    if (policyOf(process).hooks.length === 0) {
      return;
    }
    const kept = keptOf(process);
    const events: [HookEvent, boolean][] = [
      ["ready", kept.run === process.run.number && kept.readiness === "ready"],
      ["unhealthy", kept.run === process.run.number && kept.health === "unhealthy"],
      ["givenUp", process.state === "givenUp"],
    ];
    const on = events.filter(([, holds]) => holds).map(([event]) => `${event}/${process.run.number}`);
    const before = this.#turned.get(process.id)?.split(" ") ?? [];
    this.#turned.set(process.id, on.join(" "));
    for (const [event, holds] of events) {
      if (holds && !before.includes(`${event}/${process.run.number}`)) {
        this.#hooks.run(process, event);
      }
    }
  }

  #removed(id: string): void {
    const { store, timers, log } = this.#ground;
    const queue = this.#queueOf.get(id);
    this.#unindex(id);
    this.#prober.remove(id);
    timers.clear(`wait/${id}`);
    this.#startedRun.delete(id);
    this.#turned.delete(id);
    this.#tellChange(id);
    if (store.processes.get(id) !== undefined) {
      store.processes.delete(id).catch((error: unknown) => {
        log.error({ err: error, process: id }, "a process could not be removed from the state directory");
      });
    }
    if (queue !== undefined) {
      this.pump(queue);
    }
  }

  /** On disk stands what is meant to run after a reboot. */
  #keep(process: ProcessInfo): void {
    const { store, log } = this.#ground;
    const kept = keptForBoot(process);
    const before = store.processes.get(process.id);
    if (same(before ?? null, kept)) {
      return;
    }
    const written = kept === null ? store.processes.delete(process.id) : store.processes.set(process.id, kept);
    written.catch((error: unknown) => {
      log.error({ err: error, process: process.id }, "a process could not be written to the state directory");
    });
  }

  /** Writes at once what a client is about to be told; resolves when it is on disk. */
  async keepNow(process: ProcessInfo): Promise<void> {
    this.#keep(process);
    await this.#ground.store.processes.flush();
  }

  /**
   * Resolves when a process is well.
   *
   * @throws EngineError PROCESS_NOT_FOUND, also if it is removed meanwhile; NOT_RUNNING if no run is to come;
   *   SHUTTING_DOWN
   */
  async waitUntil(ref: ProcessRef, wanted: Wellbeing, signal: AbortSignal): Promise<ProcessInfo> {
    const { engine } = this.#ground;
    const { id } = engine.get(ref);
    const limited = AbortSignal.any([signal, this.#ending.signal]);
    for (;;) {
      const process = engine.get({ id });
      const found = wellbeingOf(process, wanted);
      if (found === "met") {
        return process;
      }
      if (found === "never") {
        throw new EngineError("NOT_RUNNING", `process ${id} does not run, and no run is to come`, {
          id,
          state: process.state,
        });
      }
      await this.#nextChange(id, limited);
      signal.throwIfAborted();
      if (this.#ending.signal.aborted) {
        throw new EngineError("SHUTTING_DOWN", "the daemon is stopping");
      }
    }
  }

  readonly #onChange = new Map<string, Set<() => void>>();
  async #nextChange(id: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const listeners = this.#onChange.get(id) ?? new Set();
    this.#onChange.set(id, listeners.add(resolve));
    signal.addEventListener("abort", () => resolve(), { once: true });
    try {
      await (signal.aborted ? undefined : promise);
    } finally {
      listeners.delete(resolve);
      if (listeners.size === 0 && this.#onChange.get(id) === listeners) {
        this.#onChange.delete(id);
      }
    }
  }

  #tellChange(id: string): void {
    for (const tell of this.#onChange.get(id) ?? []) {
      tell();
    }
  }

  /** Those of the index that are still there: the watch may not have told of a removal yet. */
  #present(ids: Iterable<string>): readonly ProcessInfo[] {
    return [...ids].map((id) => this.#presentOne(id)).filter((process) => process !== undefined);
  }

  #presentOne(id: string): ProcessInfo | undefined {
    try {
      return this.#ground.engine.get({ id });
    } catch (error) {
      if (isGone(error)) {
        return undefined;
      }
      throw error;
    }
  }

  #find(process: ProcessInfo, reference: string): readonly ProcessInfo[] {
    const { engine } = this.#ground;
    const { project } = keptOf(process);
    const members = project === "" ? undefined : this.#members.get(`${project}\0${reference}`);
    if (members !== undefined) {
      return this.#present(members);
    }
    try {
      return [engine.get(isUuid(reference) ? { id: reference } : { name: reference })];
    } catch (error) {
      if (isGone(error)) {
        return [];
      }
      throw error;
    }
  }

  #waitersFor(process: ProcessInfo): readonly string[] {
    const references = new Set([process.id, process.name, processNameOf(process)]);
    return [...references].flatMap((reference) => [...(this.#waitingFor.get(reference) ?? [])]);
  }

  #waitFor(id: string, references: readonly string[]): void {
    const before = this.#references.get(id) ?? [];
    for (const reference of before) {
      removeFrom(this.#waitingFor, reference, id);
    }
    for (const reference of references) {
      addTo(this.#waitingFor, reference, id);
    }
    if (references.length > 0) {
      this.#references.set(id, references);
    } else {
      this.#references.delete(id);
    }
  }

  #index(process: ProcessInfo): void {
    const { id } = process;
    const { project } = keptOf(process);
    const member = project === "" ? undefined : `${project}\0${processNameOf(process)}`;
    replaceIn(this.#members, this.#memberKey, id, member);
    replaceIn(this.#queued, this.#queueOf, id, policyOf(process).queue || undefined);
  }

  #unindex(id: string): void {
    this.#waitFor(id, []);
    replaceIn(this.#members, this.#memberKey, id, undefined);
    replaceIn(this.#queued, this.#queueOf, id, undefined);
  }

  /** A project's processes, in order of their creation. */
  membersOf(project: string): readonly ProcessInfo[] {
    const ids = [...this.#memberKey].filter(([, key]) => key.startsWith(`${project}\0`)).map(([id]) => id);
    return this.#present(ids).toSorted((a, b) => a.sequence - b.sequence);
  }

  /** Makes a process known that the watch has not reported yet. */
  known(process: ProcessInfo): void {
    this.#index(process);
  }

  /** Names the place in its queue of a process that waits there; 0: it does not. */
  queuePosition(process: ProcessInfo): number {
    const { queue } = policyOf(process);
    if (queue === "" || process.supervision?.waiting?.reason !== "queue") {
      return 0;
    }
    return inOrder(this.queue(queue), this.queueMembers(queue).waiters).indexOf(process.id) + 1;
  }
}

/** Its run ended, and nobody has decided what comes then: the daemon died between, or stopped everything. */
function isLeft(process: ProcessInfo): boolean {
  const { desiredState, state } = process;
  return desiredState === "running" && state !== "waiting" && state !== "givenUp" && hasEnded(process);
}

/** What is kept on disk of a process; null: nothing. */
export function keptForBoot(process: ProcessInfo): KeptProcess | null {
  const { project, schedule } = keptOf(process);
  if (!outlivesBoot(policyOf(process).restart) && project === "" && schedule === "") {
    return null;
  }
  const { id, name, labels, spec, desiredState } = process;
  const stop = process.run.number === 0 ? null : process.run.stop;
  const asked = process.lastChange.cause.kind === "request" || stop?.cause.kind === "request";
  return {
    id,
    name,
    labels,
    spec,
    desiredState,
    stopped: desiredState === "stopped" && asked,
    project,
    schedule,
  };
}

export function gateOf(cause: Cause, now: number): Waiting {
  return { reason: "dependency", until: null, for: [], why: "", cause, since: now };
}

/** There is no such process (any more), or no engine: nothing is to be decided about it. */
export function isGone(error: unknown): boolean {
  return error instanceof EngineError && ["PROCESS_NOT_FOUND", "INVALID_ID", "SHUTTING_DOWN"].includes(error.reason);
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  if (ids === undefined) {
    index.set(key, new Set([id]));
  } else {
    ids.add(id);
  }
}

function removeFrom(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  ids?.delete(id);
  if (ids?.size === 0) {
    index.delete(key);
  }
}

function replaceIn(
  index: Map<string, Set<string>>,
  keys: Map<string, string>,
  id: string,
  key: string | undefined,
): void {
  const before = keys.get(id);
  if (before === key) {
    return;
  }
  if (before !== undefined) {
    removeFrom(index, before, id);
  }
  if (key === undefined) {
    keys.delete(id);
  } else {
    keys.set(id, key);
    addTo(index, key, id);
  }
}
