/** An engine without an operating system: runs begin when they are asked to, and end when the test says so. */
import { randomUUID } from "node:crypto";
import type { Cause } from "../../src/server/engine/api/cause.ts";
import type { RequestContext, StartRequest } from "../../src/server/engine/api/control.ts";
import type { Command } from "../../src/server/engine/api/policy.ts";
import type { ProcessInfo, ProcessRef, ProcessState } from "../../src/server/engine/api/process.ts";
import type { ExitStatus, RunInfo, StopReceipt } from "../../src/server/engine/api/run.ts";
import type { ProcessSpec } from "../../src/server/engine/api/spec.ts";
import {
  type CommandResult,
  noAttempts,
  type SupervisedEngine,
  type Supervision,
  type SupervisionChange,
  type SupervisionHook,
} from "../../src/server/engine/api/supervision.ts";
import type { WatchEvent } from "../../src/server/engine/api/watch.ts";
import { EngineError } from "../../src/server/engine/errors.ts";
import { exitOf, nobody, runOf } from "./processes.ts";

export const context: RequestContext = { principal: "local", requestId: "", precondition: null };

export class FakeEngine {
  readonly processes = new Map<string, ProcessInfo>();
  /** "name: what happened". */
  readonly journal: string[] = [];
  readonly #recorded = new Set<string>();
  /** Names whose start fails. */
  readonly broken = new Set<string>();
  /** Names that a stop does not end. */
  readonly stubborn = new Set<string>();
  /** What a command comes to. */
  command: (id: string, command: Command, env: Readonly<Record<string, string>>) => Promise<CommandResult> = async () =>
    succeeded;
  readonly memory = new Map<string, number>();
  /** After how many more calls that take time the daemon is killed, in the middle of the last one. */
  callsUntilDeath = Number.POSITIVE_INFINITY;
  onDeath: () => void = () => undefined;
  #generation = 0;
  hook: SupervisionHook | null = null;
  #sequence = 0;
  readonly #watchers = new Set<(event: WatchEvent) => void>();

  get api(): SupervisedEngine {
    const self = this;
    const api: Partial<SupervisedEngine> = {
      supervise(hook) {
        self.hook = hook;
      },
      get: (ref) => self.get(ref),
      select: () => [...self.processes.keys()],
      async start(request, given) {
        const id = request.id === "" ? randomUUID() : request.id;
        if (self.broken.has(request.name)) {
          throw new EngineError("START_FAILED", "no such file", { id });
        }
        const process = self.#make(
          id,
          request,
          given.cause ?? nobody,
          self.#running(1, given.cause ?? nobody),
          "running",
        );
        return { process, existing: false };
      },
      async create(request, change, given) {
        const id = request.id === "" ? randomUUID() : request.id;
        const known = self.processes.get(id);
        if (known !== undefined) {
          return { process: known, existing: true };
        }
        self.#make(id, request, given.cause ?? nobody, runOf(0, "starting"), "exited");
        self.#apply(id, change);
        return { process: self.get({ id }), existing: false };
      },
      async startRun(id, change, cause) {
        const { name, run } = self.get({ id });
        await Promise.resolve();
        const supervision = change(self.get({ id }));
        const next = self.broken.has(name)
          ? runOf(run.number + 1, "failed", { cause, createTime: nanos() })
          : self.#running(run.number + 1, cause);
        self.#set(id, { supervision, run: next, desiredState: "running", state: next.state }, cause);
        if (next.state === "failed") {
          self.#decide(id);
          throw new EngineError("START_FAILED", "no such file", { id });
        }
        return self.get({ id });
      },
      async stop(ref, options, given) {
        const process = self.get(ref);
        const cause = given.cause ?? { ...nobody, kind: "request" as const };
        if (cause.kind === "request" || cause.kind === "project") {
          self.#set(process.id, { desiredState: "stopped" }, cause);
        }
        const alive = process.run.state === "running";
        const survives = alive && self.stubborn.has(process.name) && !options.force;
        const receipt: StopReceipt = {
          cause,
          signal: "SIGTERM",
          graceMs: options.graceMs ?? 10_000,
          force: options.force,
          requestTime: nanos(),
          signalTime: nanos(),
          killTime: null,
          endTime: nanos(),
          outcome: alive ? (survives ? "survived" : "stopped") : "alreadyStopped",
          survivors: [],
        };
        if (alive && !survives) {
          await Promise.resolve();
          self.end(process.id, { ...exitOf(0), code: null, signal: 15, signalName: "SIGTERM" }, receipt);
        }
        return { process: self.get({ id: process.id }), receipt };
      },
      async restart(ref, _options, spec, given) {
        const { id, run } = self.get(ref);
        const cause = given.cause ?? nobody;
        const next = self.#running(run.number + 1, cause);
        const state = { run: next, desiredState: "running", state: "running" } as const;
        self.#set(id, spec === null ? state : { ...state, spec }, cause);
        const { supervision } = self.get({ id });
        if (supervision !== undefined)
          self.#set(id, { supervision: { ...supervision, waiting: null, attempts: noAttempts } }, cause);
        return self.get({ id });
      },
      async update(ref, update, given) {
        const process = self.get(ref);
        const { name = process.name, labels = process.labels, spec = process.spec } = update(process);
        self.#set(process.id, { name, labels, spec: normalized(spec) }, given.cause ?? nobody);
        return self.get({ id: process.id });
      },
      async remove(ref) {
        const { id } = self.get(ref);
        self.remove(id);
        return id;
      },
      async stopAll() {
        for (const process of [...self.processes.values()].filter(({ run }) => run.state === "running")) {
          self.end(process.id, exitOf(143));
        }
      },
      setSupervision(id, run, change) {
        const process = self.get({ id });
        if (process.run.number !== run) {
          throw new EngineError("CONDITION_FAILED", "another run", {});
        }
        self.#apply(id, change);
        return self.get({ id });
      },
      record(type, detail, cause) {
        self.journal.push(`${detail.project}${detail.schedule}: ${type} (${cause.detail})`);
        self.#recorded.add(`${type} ${detail.project} ${cause.principal} ${cause.requestId}`);
      },
      wasRecorded: (type, project, { principal, requestId }) =>
        requestId !== "" && self.#recorded.has(`${type} ${project} ${principal} ${requestId}`),
      runCommand: (id, command, { env }) => self.command(id, command, env),
      // As the real one does, a default is filled in, and variables are in order.
      normalized,
      residentMemory: (ids) => new Map([...self.memory].filter(([id]) => ids.includes(id))),
      async wait(ref) {
        return { process: self.get(ref), run: self.get(ref).run };
      },
      watch: (_options, signal) => self.#watch(signal),
    };
    const generation = this.#generation;
    return new Proxy(api as SupervisedEngine, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== "function") {
          return () => {
            throw new Error(`the test's engine has no ${String(name)}`);
          };
        }
        return (...args: unknown[]): unknown => {
          if (generation !== self.#generation) {
            if (timely.has(String(name))) {
              throw new EngineError("SHUTTING_DOWN", "this daemon is dead", {});
            }
            return new Promise(() => undefined);
          }
          if (!mortal.has(String(name)) || --self.callsUntilDeath > 0) {
            return Reflect.apply(method, target, args);
          }
          self.callsUntilDeath = Number.POSITIVE_INFINITY;
          // Killed before it did anything, or when it was done and nobody had been told.
          const did: unknown = self.#generation % 2 === 0 ? Reflect.apply(method, target, args) : undefined;
          const kill = () => {
            self.#generation++;
            self.hook = null;
            self.onDeath();
          };
          void Promise.resolve(did).then(kill, kill);
          return new Promise(() => undefined);
        };
      },
    });
  }

  get(ref: ProcessRef): ProcessInfo {
    const found =
      ref.id !== undefined
        ? this.processes.get(ref.id)
        : [...this.processes.values()].findLast((process) => process.name === ref.name);
    if (found === undefined) {
      throw new EngineError("PROCESS_NOT_FOUND", "no such process", {});
    }
    return found;
  }

  named(name: string): ProcessInfo {
    return this.get({ name });
  }

  /** The state of each, and what it waits for. */
  states(): Record<string, string> {
    return Object.fromEntries(
      [...this.processes.values()].map(({ name, state, supervision }) => [
        name,
        supervision?.waiting == null ? state : `${state} ${supervision.waiting.reason}`,
      ]),
    );
  }

  exit(name: string, code: number): void {
    this.end(this.named(name).id, exitOf(code));
  }

  end(id: string, exit: ExitStatus, stop: StopReceipt | null = null): void {
    const { run } = this.get({ id });
    const ended: RunInfo = { ...run, state: "exited", exit, exitTime: nanos(), pid: null, stop };
    this.processes.set(id, { ...this.get({ id }), run: ended });
    this.#decide(id);
  }

  remove(id: string): void {
    const { name } = this.get({ id });
    this.processes.delete(id);
    this.journal.push(`${name}: removed`);
    for (const tell of this.#watchers) {
      tell({ type: "removed", id, removal: "removed", cause: null, resourceVersion: "" });
    }
  }

  /** What becomes of a process whose run has ended, as the engine publishes it: with the end itself. */
  #decide(id: string): void {
    const process = this.get({ id });
    const change = this.hook?.runEnded(process) ?? null;
    if (change === null) {
      this.#set(id, { state: process.run.state, desiredState: "stopped" }, { ...nobody, kind: "exit", detail: "" });
    } else {
      this.processes.set(id, { ...process, state: process.run.state });
      this.#apply(id, change);
    }
  }

  #apply(id: string, change: SupervisionChange): void {
    const process = this.get({ id });
    const { supervision, cause, event, state, desiredState } = change;
    if (event !== null) {
      this.journal.push(`${process.name}: ${event.type} (${cause.detail})`);
    }
    this.#set(
      id,
      {
        supervision,
        ...(state === undefined ? {} : { state: state ?? (process.run.number === 0 ? "exited" : process.run.state) }),
        ...(desiredState === undefined ? {} : { desiredState }),
      },
      cause,
    );
  }

  #set(id: string, change: Partial<ProcessInfo>, cause: Cause): void {
    const before = this.get({ id });
    const to: ProcessState = change.state ?? before.state;
    if (to !== before.state) {
      this.journal.push(`${before.name}: ${before.state} → ${to} (${cause.kind})`);
    }
    const process: ProcessInfo = {
      ...before,
      ...change,
      resourceVersion: String(++this.#sequence),
      lastChange:
        to === before.state
          ? before.lastChange
          : { sequence: this.#sequence, time: nanos(), run: before.run.number, from: before.state, to, cause },
    };
    this.processes.set(id, process);
    for (const tell of this.#watchers) {
      tell({ type: "modified", process, resourceVersion: process.resourceVersion });
    }
  }

  #make(id: string, request: StartRequest, cause: Cause, run: RunInfo, state: ProcessState): ProcessInfo {
    const sequence = ++this.#sequence;
    this.processes.set(id, {
      id,
      name: request.name,
      labels: request.labels,
      spec: normalized(request.spec),
      state,
      desiredState: "running",
      run,
      createTime: nanos(),
      sequence,
      resourceVersion: String(sequence),
      lastChange: { sequence, time: nanos(), run: run.number, from: null, to: state, cause },
    });
    this.#set(id, {}, cause);
    return this.get({ id });
  }

  #running(number: number, cause: Cause): RunInfo {
    return runOf(number, "running", { cause, createTime: nanos(), startTime: nanos(), pid: 1000 + number });
  }

  async *#watch(signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const events: WatchEvent[] = [...this.processes.values()].map((process) => ({
      type: "added",
      process,
      resourceVersion: "",
    }));
    let wake: () => void = () => undefined;
    const tell = (event: WatchEvent) => {
      events.push(event);
      wake();
    };
    const abort = () => wake();
    this.#watchers.add(tell);
    signal.addEventListener("abort", abort);
    try {
      while (!signal.aborted) {
        const event = events.shift();
        if (event !== undefined) {
          yield event;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
      throw signal.reason;
    } finally {
      this.#watchers.delete(tell);
      signal.removeEventListener("abort", abort);
    }
  }
}

/** Calls that are answered at once. */
function normalized(spec: ProcessSpec): ProcessSpec {
  const { limitBytes, ...output } = spec.output;
  return { ...spec, output: { ...output, limitBytes: limitBytes || 1024 * 1024 } };
}

const timely = new Set([
  "supervise",
  "get",
  "select",
  "setSupervision",
  "record",
  "wasRecorded",
  "residentMemory",
  "watch",
  "normalized",
]);
/** Calls during which the daemon may die. */
const mortal = new Set(["start", "create", "startRun", "stop", "restart", "update", "remove"]);

export const succeeded: CommandResult = { code: 0, timedOut: false, output: new Uint8Array(), problem: "" };

export function supervisionOf(process: ProcessInfo): Supervision {
  if (process.supervision === undefined) {
    throw new Error(`${process.name} is not supervised`);
  }
  return process.supervision;
}

function nanos(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
