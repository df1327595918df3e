import { findCycle } from "../../../common/dependency-graph.ts";
import { mostSimilar } from "../../../common/similar.ts";
import type { Cause } from "../../engine/api/cause.ts";
import type { RequestContext } from "../../engine/api/control.ts";
import type { ProcessInfo } from "../../engine/api/process.ts";
import { nothingKept } from "../../engine/api/supervision.ts";
import { EngineError } from "../../engine/errors.ts";
import { SupervisionError } from "../errors.ts";
import type { Ground } from "../ground.ts";
import { isUnderWay } from "../restart/outcome.ts";
import { cronProblem } from "../schedule/cron.ts";
import type { Scheduler } from "../schedule/scheduler.ts";
import { causeOf, eventOf, keptOf } from "../status.ts";
import { gateOf, isGone, type Supervisor } from "../supervisor.ts";
import { same } from "./changes.ts";
import { descriptionGraph, type Member, membersOf, sharedName } from "./members.ts";
import { planApply, planRemove, type Step } from "./plan.ts";
import type { PendingApply, PendingRemove, ProjectProcess, ProjectRecord, ProjectSchedule } from "./record.ts";

const maxProjects = 1000;
const maxMembers = 1000;

export interface ApplyRequest {
  readonly name: string;
  readonly processes: readonly ProjectProcess[];
  readonly source: string;
  readonly prune: boolean;
  readonly dryRun: boolean;
  /** Empty: all. */
  readonly only: readonly string[];
  /** Empty: any; "none": there must be no such project. */
  readonly resourceVersion: string;
  readonly restartAll: boolean;
  readonly schedules: readonly ProjectSchedule[];
  readonly cause: Cause;
}

export interface RemoveRequest {
  readonly name: string;
  readonly graceMs: number | null;
  readonly keepProcesses: boolean;
  readonly resourceVersion: string;
  readonly cause: Cause;
}

export type ProjectFrame =
  | { readonly kind: "plan"; readonly steps: readonly Step[] }
  | {
      readonly kind: "progress";
      readonly step: number;
      /** Null: it was removed. */
      readonly process: ProcessInfo | null;
      readonly error: Error | null;
    }
  | { readonly kind: "end"; readonly project: ProjectStatus | null; readonly failed: number };

export interface ProjectStatus extends ProjectRecord {
  readonly members: readonly ProcessInfo[];
}

type Listener = (frame: ProjectFrame | Error) => void;

/** One application at a time of each project; the newest one wins. */
interface Runner {
  readonly listeners: Map<number, Listener>;
  readonly done: Promise<void>;
}

/** Brings projects to what they describe. */
export class Projects {
  readonly #ground: Ground;
  readonly #supervisor: Supervisor;
  readonly #scheduler: Scheduler;
  readonly #runners = new Map<string, Runner>();
  readonly #ending = new AbortController();

  constructor(ground: Ground, supervisor: Supervisor, scheduler: Scheduler) {
    this.#ground = ground;
    this.#supervisor = supervisor;
    this.#scheduler = scheduler;
  }

  /** Finishes what an earlier daemon began. */
  open(): void {
    for (const project of this.#ground.store.projects.values()) {
      if (project.pending !== null) {
        this.#run(project.name, Promise.resolve());
      }
    }
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.allSettled([...this.#runners.values()].map((runner) => runner.done));
  }

  get(name: string): ProjectStatus {
    const project = this.#ground.store.projects.get(name);
    if (project === undefined) {
      const similar = mostSimilar(
        name,
        this.#ground.store.projects.values().map((one) => one.name),
      );
      throw new SupervisionError("PROJECT_NOT_FOUND", `there is no project ${JSON.stringify(name)}`, {
        name,
        ...(similar === undefined ? {} : { suggestion: similar }),
      });
    }
    return { ...project, members: this.#supervisor.membersOf(name) };
  }

  list(): readonly ProjectStatus[] {
    return this.#ground.store.projects.values().map(({ name }) => this.get(name));
  }

  /** After a reboot: what belongs to projects is made and started again, but not what was stopped. */
  startAtBoot(): void {
    for (const project of this.#ground.store.projects.values()) {
      if (project.pending === null) {
        const pending: PendingApply = {
          kind: "apply",
          prune: false,
          only: null,
          restart: {},
          cause: causeOf("boot", project.name),
        };
        void this.#save({ ...project, pending });
      }
    }
  }

  /**
   * The description is on disk before the first frame. If the reader goes away,
   * the application goes on.
   *
   * @throws SupervisionError
   */
  async *apply(request: ApplyRequest): AsyncGenerator<ProjectFrame> {
    this.check(request);
    const before = this.#ground.store.projects.get(request.name);
    const existing = this.#supervisor.membersOf(request.name);
    const restart = request.restartAll
      ? Object.fromEntries(existing.filter(isUnderWay).map(({ id, run }) => [id, run.number]))
      : {};
    const pending: PendingApply = {
      kind: "apply",
      prune: request.prune,
      only: request.only.length === 0 ? null : request.only,
      restart,
      schedules: request.schedules,
      cause: request.cause,
    };
    const changed = before === undefined || !same(before.processes, request.processes);
    const project: ProjectRecord = {
      name: request.name,
      processes: request.processes,
      source: request.source,
      applyTime: changed ? this.#ground.now() : before.applyTime,
      version: changed ? (before?.version ?? 0) + 1 : before.version,
      pending,
    };
    if (request.dryRun) {
      yield { kind: "plan", steps: this.#plan(project, pending, existing) };
      yield { kind: "end", project: before === undefined ? null : this.get(request.name), failed: 0 };
      return;
    }
    yield* this.#follow(request.name, this.#save(project));
  }

  /** @throws SupervisionError */
  async *remove(request: RemoveRequest): AsyncGenerator<ProjectFrame> {
    // Sent again, it must not find that there is no such project, nor remove one that came since.
    if (this.#ground.engine.wasRecorded("projectRemoved", request.name, request.cause)) {
      yield { kind: "plan", steps: [] };
      yield { kind: "end", project: null, failed: 0 };
      return;
    }
    const project = this.get(request.name);
    checkVersion(project, request.resourceVersion);
    const { members: _, ...record } = project;
    const pending: PendingRemove = {
      kind: "remove",
      graceMs: request.graceMs,
      keepProcesses: request.keepProcesses,
      cause: request.cause,
    };
    yield* this.#follow(request.name, this.#save({ ...record, pending }));
  }

  /**
   * Refuses what `apply` would refuse as a whole.
   *
   * @throws SupervisionError
   */
  check(request: ApplyRequest): void {
    const { store } = this.#ground;
    const before = store.projects.get(request.name);
    // Sent again, it finds the version that it has made.
    if (request.resourceVersion !== "" && !this.#isAgain(request, before)) {
      checkVersion(before, request.resourceVersion);
    }
    const invalid = (field: string, message: string) =>
      new SupervisionError("INVALID_ARGUMENT", `${field}: ${message}`, { field });
    if (before === undefined && store.projects.size >= maxProjects) {
      throw new SupervisionError("LIMIT_EXCEEDED", `there are ${maxProjects} projects already`, { limit: "projects" });
    }
    const names = new Set(request.processes.map(({ name }) => name));
    if (names.size < request.processes.length) {
      throw invalid("processes", "two processes have the same name");
    }
    const unknown = request.only.find((name) => !names.has(name));
    if (unknown !== undefined) {
      throw invalid("only", `there is no process ${JSON.stringify(unknown)} in the project`);
    }
    const cycle = findCycle(descriptionGraph(request.processes));
    if (cycle !== undefined) {
      throw new SupervisionError("DEPENDENCY_CYCLE", `these depend on one another in a circle: ${cycle.join(", ")}`, {
        cycle: cycle.join(","),
      });
    }
    const members = membersOf(request.name, request.processes);
    if (members.length > maxMembers) {
      throw new SupervisionError("LIMIT_EXCEEDED", `a project has at most ${maxMembers} processes`, {
        limit: "project_processes",
      });
    }
    const shared = sharedName(members);
    if (shared !== undefined) {
      throw invalid("processes", `two processes would be called ${JSON.stringify(shared)}`);
    }
    for (const [index, schedule] of request.schedules.entries()) {
      const { timing } = schedule;
      // Before anything is on record: a schedule that is refused later would leave the project half applied.
      const wrong =
        timing.kind === "cron" ? cronProblem(timing.expression, timing.timeZone, this.#ground.now()) : undefined;
      if (wrong !== undefined) {
        throw invalid(`schedules[${index}].${/time zone/.test(wrong) ? "time_zone" : "cron"}`, wrong);
      }
      if (!request.processes.some(({ name, replicas }) => name === schedule.process && replicas === null)) {
        throw invalid("schedules", `${JSON.stringify(schedule.process)} is no process of the project without replicas`);
      }
    }
    for (const member of members) {
      const taken = this.#byName(member.name);
      const ours = taken === null || taken.id === member.id || keptOf(taken).project === request.name;
      if (!ours && (isUnderWay(taken) || taken.state === "waiting")) {
        throw new SupervisionError("NAME_IN_USE", `another process is called ${JSON.stringify(member.name)}`, {
          name: member.name,
          id: taken.id,
        });
      }
    }
  }

  /** Whether this very request was put on record before. */
  #isAgain({ name, cause }: ApplyRequest, before: ProjectRecord | undefined): boolean {
    const { requestId, principal } = before?.pending?.cause ?? {};
    const isPending = cause.requestId !== "" && requestId === cause.requestId && principal === cause.principal;
    return isPending || this.#ground.engine.wasRecorded("projectApplied", name, cause);
  }

  #byName(name: string): ProcessInfo | null {
    try {
      return this.#ground.engine.get({ name });
    } catch (error) {
      if (isGone(error)) {
        return null;
      }
      throw error;
    }
  }

  /** The processes are there first: a schedule belongs to one. */
  async #setSchedules(project: ProjectRecord, schedules: readonly ProjectSchedule[], cause: Cause): Promise<void> {
    const members = membersOf(project.name, project.processes);
    const wanted = new Set(schedules.map(({ name }) => name));
    for (const old of this.#scheduler.list()) {
      const process = this.#supervisor.membersOf(project.name).find(({ id }) => id === old.processId);
      if (process !== undefined && !wanted.has(old.name)) {
        await this.#scheduler.remove(old.name, cause);
      }
    }
    for (const { process: name, ...schedule } of schedules) {
      const member = members.find((one) => one.name === name);
      if (member !== undefined) {
        if (this.#process(member.id) === null) {
          await this.#create(project.name, member, false, contextOf(cause));
        }
        await this.#scheduler.set({ ...schedule, processId: member.id }, cause);
      }
    }
  }

  async *#follow(name: string, saved: Promise<void>): AsyncGenerator<ProjectFrame> {
    const frames: (ProjectFrame | Error)[] = [];
    let wake: () => void = () => undefined;
    const runner = this.#run(name, saved, (frame) => {
      frames.push(frame);
      wake();
    });
    try {
      for (;;) {
        const frame = frames.shift();
        if (frame === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        } else if (frame instanceof Error) {
          throw frame;
        } else {
          yield frame;
          if (frame.kind === "end") {
            return;
          }
        }
      }
    } finally {
      runner.forget();
    }
  }

  #listenerCount = 0;
  /**
   * Brings a project to its record once that is saved, after who does so already.
   * Whoever waits for that one is told at once: it sees that the record changed, and ends.
   */
  #run(name: string, saved: Promise<void>, listener?: Listener): { forget(): void } {
    const number = ++this.#listenerCount;
    const before = this.#runners.get(name);
    const listeners = new Map<number, Listener>();
    if (listener !== undefined) {
      listeners.set(number, listener);
    }
    for (const superseded of before?.listeners.values() ?? []) {
      superseded(new SupervisionError("SUPERSEDED", `the project ${name} was changed meanwhile`, { name }));
    }
    before?.listeners.clear();
    const previous = before?.done ?? Promise.resolve();
    // It may fail before the previous one ends, and nobody looks until then.
    saved.catch(() => undefined);
    const runner: Runner = {
      listeners,
      done: previous.then(() => this.#finish(name, saved, listeners)),
    };
    this.#runners.set(name, runner);
    void runner.done.then(() => {
      if (this.#runners.get(name) === runner) {
        this.#runners.delete(name);
      }
    });
    return { forget: () => listeners.delete(number) };
  }

  /** Never throws. */
  async #finish(name: string, saved: Promise<void>, listeners: ReadonlyMap<number, Listener>): Promise<void> {
    const tell: Listener = (frame) => {
      for (const listener of listeners.values()) {
        listener(frame);
      }
    };
    try {
      await saved;
      const project = this.#ground.store.projects.get(name);
      if (project === undefined || project.pending === null) {
        tell({ kind: "end", project: project === undefined ? null : this.get(name), failed: 0 });
      } else if (project.pending.kind === "apply") {
        await this.#finishApply(project, project.pending, tell);
      } else {
        await this.#finishRemove(project, project.pending, tell);
      }
      if (this.#ending.signal.aborted) {
        tell(new EngineError("SHUTTING_DOWN", "the daemon is stopping; the next one finishes the project"));
      }
    } catch (error) {
      if (!this.#ending.signal.aborted) {
        this.#ground.log.error({ err: error, project: name }, "a project could not be applied to its end");
      }
      tell(error as Error);
    }
  }

  #plan(project: ProjectRecord, pending: PendingApply, existing: readonly ProcessInfo[]): readonly Step[] {
    const { engine } = this.#ground;
    return planApply(project, pending, existing, (spec) => {
      try {
        return engine.normalized(spec);
      } catch {
        // One that the engine refuses is refused in its own step, and keeps the others from nothing.
        return spec;
      }
    });
  }

  async #finishApply(project: ProjectRecord, pending: PendingApply, tell: Listener): Promise<void> {
    const { engine } = this.#ground;
    if (pending.schedules !== undefined) {
      await this.#setSchedules(project, pending.schedules, pending.cause);
    }
    const steps = this.#plan(project, pending, this.#supervisor.membersOf(project.name));
    tell({ kind: "plan", steps });
    const failed = await this.#carryOut(project, steps, pending.cause, tell, null);
    if (!this.#isCurrent(project)) {
      return;
    }
    await this.#save({ ...project, pending: null });
    engine.record("projectApplied", eventOf("projectApplied", { project: project.name }).detail, pending.cause);
    tell({ kind: "end", project: this.get(project.name), failed });
  }

  async #finishRemove(project: ProjectRecord, pending: PendingRemove, tell: Listener): Promise<void> {
    const { engine, store } = this.#ground;
    const existing = this.#supervisor.membersOf(project.name);
    for (const schedule of this.#scheduler.list()) {
      if (existing.some(({ id }) => id === schedule.processId)) {
        await this.#scheduler.remove(schedule.name, pending.cause);
      }
    }
    const steps = planRemove(pending, existing);
    tell({ kind: "plan", steps });
    const failed = await this.#carryOut(project, steps, pending.cause, tell, pending);
    if (!this.#isCurrent(project)) {
      return;
    }
    if (failed > 0) {
      // What did not stop is still the project's; asking again tries again.
      await this.#save({ ...project, pending: null });
      tell({ kind: "end", project: this.get(project.name), failed });
      return;
    }
    const deleted = store.projects.delete(project.name);
    // Before it is gone from the disk: the next daemon must know what the request did.
    engine.record("projectRemoved", eventOf("projectRemoved", { project: project.name }).detail, pending.cause);
    await deleted;
    tell({ kind: "end", project: null, failed });
  }

  /** Nobody has changed what is on record meanwhile. */
  #isCurrent(project: ProjectRecord): boolean {
    return !this.#ending.signal.aborted && this.#ground.store.projects.get(project.name) === project;
  }

  /** @returns how many steps failed */
  async #carryOut(
    project: ProjectRecord,
    steps: readonly Step[],
    cause: Cause,
    tell: Listener,
    removal: PendingRemove | null,
  ): Promise<number> {
    let failed = 0;
    const carry = async (step: Step, index: number): Promise<void> => {
      try {
        const process = await this.#carryOutStep(project.name, step, cause, removal);
        tell({ kind: "progress", step: index, process, error: null });
      } catch (error) {
        failed++;
        tell({ kind: "progress", step: index, process: this.#process(step.id), error: error as Error });
      }
    };
    for (let index = 0; index < steps.length && this.#isCurrent(project); ) {
      const group = stopGroup(steps, index);
      await Promise.all(group.map((step, offset) => carry(step, index + offset)));
      index += group.length;
    }
    return failed;
  }

  async #carryOutStep(
    project: string,
    step: Step,
    cause: Cause,
    removal: PendingRemove | null,
  ): Promise<ProcessInfo | null> {
    const { engine } = this.#ground;
    const context = contextOf(cause);
    const { member, id } = step;
    switch (step.action) {
      case "none":
        return engine.get({ id });
      case "keep":
        if (removal !== null) {
          await this.#stop(id, removal.graceMs, context);
          const process = engine.get({ id });
          engine.setSupervision(id, process.run.number, {
            supervision: { ...keptOf(process), project: "" },
            event: null,
            cause,
          });
        }
        return engine.get({ id });
      case "remove":
        await this.#stop(id, removal?.graceMs ?? null, context);
        try {
          await engine.remove({ id }, false, context);
        } catch (error) {
          if (!isGone(error)) {
            throw error;
          }
        }
        return null;
      case "create":
        return member === null ? null : this.#create(project, member, step.starts, context);
      case "update":
        return member === null ? null : this.#update(step, member, context);
      case "start":
        if (member !== null) {
          await this.#update(step, member, context);
        }
        return this.#start(id, cause);
      case "restart": {
        if (member === null) {
          return engine.get({ id });
        }
        const before = engine.get({ id });
        if (before.name !== member.name || !same(before.labels, member.labels)) {
          await engine.update({ id }, () => ({ name: member.name, labels: member.labels }), context);
        }
        const options = { signal: "", graceMs: null, force: true };
        return engine.restart({ id }, options, member.spec, context, this.#ending.signal);
      }
    }
  }

  async #create(project: string, member: Member, starts: boolean, context: RequestContext): Promise<ProcessInfo> {
    const { engine, now, store } = this.#ground;
    const cause = context.cause ?? causeOf("project", project);
    const keptStopped = cause.kind === "boot" && store.processes.get(member.id)?.stopped === true;
    const begins = starts && (!keptStopped || member.spec.policy?.restart?.mode === "always");
    const schedule = store.processes.get(member.id)?.schedule ?? "";
    const supervision = { ...nothingKept, project, schedule, waiting: begins ? gateOf(cause, now()) : null };
    const { process } = await engine.create(
      { id: member.id, name: member.name, labels: member.labels, spec: member.spec },
      {
        supervision,
        state: begins ? "waiting" : null,
        desiredState: begins ? "running" : "stopped",
        event: null,
        cause,
      },
      context,
    );
    this.#supervisor.known(process);
    if (begins) {
      this.#supervisor.considerId(member.id);
      await this.#supervisor.settled(member.id);
    }
    return engine.get({ id: member.id });
  }

  async #update(step: Step, member: Member, context: RequestContext): Promise<ProcessInfo> {
    const { engine } = this.#ground;
    if (step.changedFields.length === 0) {
      return engine.get({ id: step.id });
    }
    const { name, labels, spec } = member;
    const process = await engine.update({ id: step.id }, () => ({ name, labels, spec }), context);
    this.#supervisor.considerId(step.id);
    return process;
  }

  async #start(id: string, cause: Cause): Promise<ProcessInfo> {
    const { engine } = this.#ground;
    this.#supervisor.request(id, cause);
    await this.#supervisor.settled(id);
    return engine.get({ id });
  }

  async #stop(id: string, graceMs: number | null, context: RequestContext): Promise<void> {
    const { engine } = this.#ground;
    const process = this.#process(id);
    if (process === null) {
      return;
    }
    if (process.state === "waiting" || process.state === "givenUp") {
      this.#supervisor.cancelWaiting(id, context.cause ?? causeOf("project", ""));
    }
    const options = { signal: "", graceMs, force: true, wait: true };
    const { receipt } = await engine.stop({ id }, options, context, this.#ending.signal);
    if (receipt.outcome === "survived") {
      throw new EngineError("STILL_RUNNING", "it did not stop", {
        id,
        pids: receipt.survivors.map(({ pid }) => pid).join(","),
      });
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

  async #save(project: ProjectRecord): Promise<void> {
    try {
      await this.#ground.store.projects.set(project.name, project);
    } catch (error) {
      this.#ground.log.error({ err: error, project: project.name }, "a project could not be written");
      throw error;
    }
  }
}

/** Steps that stop processes next to each other are taken together, as long as none depends on another of them. */
function stopGroup(steps: readonly Step[], from: number): readonly Step[] {
  const first = steps[from];
  if (first === undefined || (first.action !== "remove" && first.action !== "keep")) {
    return steps.slice(from, from + 1);
  }
  let end = from + 1;
  while (steps[end] !== undefined && steps[end]?.action === first.action && steps[end]?.level === first.level) {
    end++;
  }
  return steps.slice(from, end);
}

function checkVersion(project: ProjectRecord | undefined, expected: string): void {
  const actual = project === undefined ? "none" : String(project.version);
  if (expected !== "" && expected !== actual) {
    throw new SupervisionError("CONDITION_FAILED", `the project is of version ${actual}, not ${expected}`, {
      field: "resource_version",
      expected,
      actual,
    });
  }
}

function contextOf(cause: Cause): RequestContext {
  return { principal: cause.principal, requestId: "", precondition: null, cause };
}
