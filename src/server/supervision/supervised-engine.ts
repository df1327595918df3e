import { abortable } from "../../common/abortable.ts";
import { findCycle } from "../../common/dependency-graph.ts";
import type { RequestContext, StartRequest, StopOptions, StopResult } from "../engine/api/control.ts";
import type { Engine } from "../engine/api/engine.ts";
import type { ProcessInfo, ProcessRef } from "../engine/api/process.ts";
import type { ProcessSpec } from "../engine/api/spec.ts";
import { nothingKept } from "../engine/api/supervision.ts";
import { EngineError } from "../engine/errors.ts";
import { SupervisionError } from "./errors.ts";
import type { Ground } from "./ground.ts";
import { isUnderWay } from "./restart/outcome.ts";
import { causeOf, keptOf, policyOf } from "./status.ts";
import { gateOf, isGone, type Supervisor } from "./supervisor.ts";

const maxOutputBytes = 4096;
const defaultGraceMs = 10_000;

/**
 * The engine as clients see it: what they ask for goes through supervision
 * where it has a say, and to the engine itself where it has none.
 */
export function supervisedEngine(ground: Ground, supervisor: Supervisor): Engine {
  const { engine } = ground;
  const stopCommands: StopCommands = new Map();
  const own: Partial<Engine> = {
    start: (request, context) => start(ground, supervisor, request, context),
    // Whoever stops waiting does not stop what was asked for.
    stop: (ref, options, context, signal) =>
      abortable(stop(ground, supervisor, stopCommands, ref, options, context), signal),
    async restart(ref, options, spec, context, signal) {
      if (spec !== null) {
        checkCycle(ground, engine.get(ref), spec);
      }
      const process = await engine.restart(ref, options, spec, context, signal);
      // As it is by now: its run may have ended since.
      await supervisor.keepNow(present(engine, process.id) ?? process);
      return engine.get({ id: process.id });
    },
    async update(ref, update, context) {
      const process = await engine.update(
        ref,
        (before) => {
          const changes = update(before);
          if (changes.spec !== undefined) {
            checkCycle(ground, before, changes.spec);
          }
          return changes;
        },
        context,
      );
      supervisor.considerId(process.id);
      const updated = present(engine, process.id) ?? process;
      await supervisor.keepNow(updated);
      return updated;
    },
    async remove(ref, force, context) {
      const id = await engine.remove(ref, force, context);
      await ground.store.processes.delete(id);
      return id;
    },
    async stopAll(graceMs, context) {
      supervisor.drain();
      await engine.stopAll(graceMs, context);
    },
  };
  return new Proxy<Engine>(engine, {
    get(target, name) {
      const ours: unknown = Reflect.get(own, name);
      const value: unknown = ours ?? Reflect.get(target, name);
      return ours === undefined && typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function start(
  ground: Ground,
  supervisor: Supervisor,
  request: StartRequest,
  context: RequestContext,
): Promise<{ process: ProcessInfo; existing: boolean }> {
  const { engine, now } = ground;
  const { policy } = request.spec;
  checkCycle(ground, { id: request.id, name: request.name }, request.spec);
  if (policy === undefined || (policy.dependsOn.length === 0 && policy.queue === "")) {
    const result = await engine.start(request, context);
    await supervisor.keepNow(result.process);
    return result;
  }
  const cause = context.cause ?? causeOf("request", "", context);
  const { process, existing } = await engine.create(
    request,
    {
      supervision: { ...nothingKept, waiting: gateOf(cause, now()) },
      state: "waiting",
      desiredState: "running",
      event: null,
      cause,
    },
    context,
  );
  if (existing) {
    return { process, existing };
  }
  supervisor.known(process);
  supervisor.considerId(process.id);
  await supervisor.settled(process.id);
  const begun = engine.get({ id: process.id });
  if (begun.run.number > 0 && begun.run.state === "failed") {
    // As with a start that has nothing to wait for: nothing is left behind.
    const { failure } = begun.run;
    await engine.remove({ id: process.id }, true, context);
    throw new EngineError("START_FAILED", failure?.message ?? "it could not be started", {
      id: process.id,
      step: String(failure?.step ?? ""),
      errno: String(failure?.errno ?? ""),
      errno_name: failure?.errnoName ?? "",
      path: failure?.path ?? "",
    });
  }
  await supervisor.keepNow(begun);
  return { process: begun, existing };
}

async function stop(
  ground: Ground,
  supervisor: Supervisor,
  commands: StopCommands,
  ref: ProcessRef,
  options: StopOptions & { readonly wait: boolean },
  context: RequestContext,
): Promise<StopResult> {
  const { engine } = ground;
  const process = engine.get(ref);
  const { id } = process;
  const waited = process.state === "waiting" || process.state === "givenUp";
  let checked = waited;
  if (waited) {
    checkPrecondition(process, context);
    supervisor.cancelWaiting(id, context.cause ?? causeOf("request", "", context));
    await supervisor.settled(id);
  } else {
    checked = await runStopCommand(ground, commands, process, options, context);
  }
  // What followed that check has changed the resource version.
  const unchecked = { ...context, precondition: checked ? null : context.precondition };
  const result = await engine.stop({ id }, options, unchecked);
  // It may have ended by itself just before, and have been about to begin anew.
  supervisor.considerId(id);
  const stopped = present(engine, id) ?? result.process;
  await supervisor.keepNow(stopped);
  return { ...result, process: stopped };
}

/** Null: it was removed meanwhile. */
function present(engine: Engine, id: string): ProcessInfo | null {
  try {
    return engine.get({ id });
  } catch (error) {
    if (isGone(error)) {
      return null;
    }
    throw error;
  }
}

/**
 * Those that run, or have run and may still end the process, by process and run:
 * a stop that meets one waits for it too.
 */
type StopCommands = Map<string, Promise<unknown>>;

/**
 * The process's own way to be stopped; what it leaves alive gets the signal as
 * ever. Answers whether it was used, the precondition having been checked.
 */
async function runStopCommand(
  ground: Ground,
  commands: StopCommands,
  process: ProcessInfo,
  options: StopOptions,
  context: RequestContext,
): Promise<boolean> {
  const { engine } = ground;
  const { stopCommand } = policyOf(process);
  const graceMs = options.graceMs ?? process.spec.stop.graceMs ?? defaultGraceMs;
  if (stopCommand === null || !isUnderWay(process) || graceMs === 0) {
    return false;
  }
  // Somebody's stop is past that, and asks by signals.
  if (process.desiredState === "stopped" && process.run.stop?.outcome === "pending") {
    return false;
  }
  checkPrecondition(process, context);
  // On record first: a daemon that dies now leaves a process that is meant to be stopped.
  engine.setSupervision(process.id, process.run.number, {
    supervision: keptOf(process),
    desiredState: "stopped",
    event: null,
    cause: context.cause ?? causeOf("request", "", context),
  });
  const half = Math.ceil(graceMs / 2);
  const limited = AbortSignal.timeout(half);
  const key = `${process.id}/${process.run.number}`;
  let underWay = commands.get(key);
  if (underWay === undefined) {
    const env = { PM_PROCESS_ID: process.id, PM_PROCESS_NAME: process.name };
    const command = engine.runCommand(process.id, stopCommand, { env, timeoutMs: half, maxOutputBytes }, limited);
    const ended = engine.wait({ id: process.id }, "treeGone", process.run.number, limited).catch(() => undefined);
    underWay = Promise.all([command, ended]).finally(() => commands.delete(key));
    commands.set(key, underWay);
  }
  // That of another stop may have more time.
  await abortable(underWay, limited).catch(() => undefined);
  return true;
}

function checkPrecondition(process: ProcessInfo, { precondition }: RequestContext): void {
  const run = precondition?.run ?? null;
  if (run !== null && run !== process.run.number) {
    throw new EngineError("CONDITION_FAILED", `the current run is ${process.run.number}, not ${run}`, {
      field: "precondition.run",
      expected: String(run),
      actual: String(process.run.number),
    });
  }
  const version = precondition?.resourceVersion ?? "";
  if (version !== "" && version !== process.resourceVersion) {
    throw new EngineError("CONDITION_FAILED", "the process has changed", {
      field: "precondition.resource_version",
      expected: version,
      actual: process.resourceVersion,
    });
  }
}

/** By the names and UUIDs that there are now; a cycle that comes about later is waited in, and can be seen. */
function checkCycle(ground: Ground, process: Pick<ProcessInfo, "id" | "name">, spec: ProcessSpec): void {
  const dependencies = spec.policy?.dependsOn ?? [];
  if (dependencies.length === 0) {
    return;
  }
  const own = process.name || process.id;
  const graph = new Map<string, readonly string[]>();
  const waiting: { name: string; targets: readonly string[] }[] = [
    { name: own, targets: dependencies.map((dependency) => dependency.process) },
  ];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const targets = next.targets.map((target) => (target === process.id ? own : target));
    graph.set(next.name, targets);
    for (const target of targets.filter((name) => name !== own && !graph.has(name))) {
      waiting.push({ name: target, targets: dependenciesOf(ground, target) });
    }
  }
  const cycle = findCycle(graph);
  if (cycle?.includes(own) === true) {
    throw new SupervisionError("DEPENDENCY_CYCLE", `these depend on one another in a circle: ${cycle.join(", ")}`, {
      cycle: cycle.join(","),
    });
  }
}

function dependenciesOf({ engine }: Ground, reference: string): readonly string[] {
  try {
    const ref = /^[0-9a-f]{8}-/i.test(reference) ? { id: reference } : { name: reference };
    return policyOf(engine.get(ref)).dependsOn.map((dependency) => dependency.process);
  } catch (error) {
    if (isGone(error)) {
      return [];
    }
    throw error;
  }
}
