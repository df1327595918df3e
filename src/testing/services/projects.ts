/** Projects: what is described is made, changed and removed, in one go. */
import { create, equals } from "@bufbuild/protobuf";
import { type Timestamp, timestampNow } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter } from "@connectrpc/connect";
import {
  type ApplyProjectRequest,
  type Project,
  ProjectAction,
  type ProjectProcess,
  ProjectSchema,
  ProjectService,
  type ProjectStep,
  ProjectStepSchema,
} from "../../../gen/ts/pm/v1/project_service_pb.ts";
import { type ProcessSpec, ProcessSpecSchema } from "../../../gen/ts/pm/v1/spec_pb.ts";
import { reasonError } from "../errors.ts";
import type { FakeProcess } from "../fake-process.ts";
import type { FakeWorld } from "../fake-world.ts";
import { batchError } from "./batch.ts";

interface Description {
  readonly processes: readonly ProjectProcess[];
  readonly source: string;
  readonly applyTime: Timestamp;
  readonly version: number;
}

/** One process as it is to be. */
interface Wanted {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ProcessSpec;
  readonly started: boolean;
}

interface Step extends ProjectStep {
  readonly wanted?: Wanted;
  readonly process?: FakeProcess;
}

export function projectRoutes(world: FakeWorld, router: ConnectRouter): void {
  const projects = new Map<string, Description>();
  const membersOf = (name: string) =>
    [...world.processes.values()].filter(({ labels }) => labels["pm/project"] === name);
  const show = (name: string): Project => {
    const description = projects.get(name);
    if (description === undefined) {
      throw reasonError("PROJECT_NOT_FOUND", `there is no project ${name}`, { name });
    }
    return create(ProjectSchema, {
      name,
      processes: [...description.processes],
      source: description.source,
      applyTime: description.applyTime,
      resourceVersion: String(description.version),
      members: membersOf(name).map((process) => ({
        processId: process.id,
        name: process.name,
        processName: process.labels["pm/process"] ?? "",
        state: process.snapshot().state,
      })),
    });
  };
  const check = (name: string, wanted: string): void => {
    const version = projects.get(name)?.version;
    if (wanted !== "" && wanted !== (version === undefined ? "none" : String(version))) {
      throw reasonError("CONDITION_FAILED", `the project ${name} has changed`, { field: "resource_version" });
    }
  };
  async function* carryOut(steps: readonly Step[]) {
    let failed = 0;
    for (const [step, { action, wanted, process }] of steps.entries()) {
      try {
        const after = perform(world, action, wanted, process);
        yield { frame: { case: "progress" as const, value: { step, ...(after && { process: after.snapshot() }) } } };
      } catch (error) {
        failed += 1;
        yield { frame: { case: "progress" as const, value: { step, error: batchError(error) } } };
      }
    }
    return failed;
  }

  router.service(ProjectService, {
    async *applyProject(request) {
      const { name, processes, source, dryRun, queues, resourceVersion } = request;
      check(name, resourceVersion);
      const steps = plan(request, membersOf(name));
      yield { frame: { case: "plan" as const, value: { steps } } };
      if (dryRun) {
        yield { frame: { case: "end" as const, value: {} } };
        return;
      }
      for (const { name: queue, parallelism, paused } of queues) {
        world.queues.set(queue, {
          ...(parallelism !== undefined && { parallelism }),
          ...(paused !== undefined && { paused }),
        });
      }
      const version = (projects.get(name)?.version ?? 0) + 1;
      projects.set(name, { processes, source, applyTime: timestampNow(), version });
      const failed = yield* carryOut(steps);
      yield { frame: { case: "end" as const, value: { project: show(name), failed } } };
    },
    getProject: ({ name }) => ({ project: show(name) }),
    listProjects: () => ({
      projects: [...projects.keys()].sort().map((name) => ({ ...show(name), processes: [] })),
    }),
    async *removeProject({ name, keepProcesses, resourceVersion }) {
      check(name, resourceVersion);
      show(name);
      const action = keepProcesses ? ProjectAction.KEEP : ProjectAction.REMOVE;
      const steps = membersOf(name).map((process) => step(process.name, action, process));
      yield { frame: { case: "plan" as const, value: { steps } } };
      projects.delete(name);
      const failed = yield* carryOut(steps);
      yield { frame: { case: "end" as const, value: { failed } } };
    },
  });
}

function step(
  name: string,
  action: ProjectAction,
  process?: FakeProcess,
  wanted?: Wanted,
  changedFields: string[] = [],
): Step {
  const { id: processId = "" } = process ?? {};
  return {
    ...create(ProjectStepSchema, { name, action, changedFields, processId }),
    ...(process && { process }),
    ...(wanted && { wanted }),
  };
}

function plan(
  { name, processes, prune, only, restartAll }: ApplyProjectRequest,
  members: readonly FakeProcess[],
): Step[] {
  const wanted = processes.flatMap((process) => replicas(name, process, only));
  const steps = wanted.map((one): Step => {
    const process = members.find((member) => member.name === one.name);
    if (process === undefined) {
      return step(one.name, ProjectAction.CREATE, undefined, one);
    }
    if (!equals(ProcessSpecSchema, process.spec, one.spec)) {
      return step(one.name, ProjectAction.RESTART, process, one, ["spec"]);
    }
    if (restartAll && process.running) {
      return step(one.name, ProjectAction.RESTART, process, one);
    }
    if (JSON.stringify(sorted(process.labels)) !== JSON.stringify(sorted(one.labels))) {
      return step(one.name, ProjectAction.UPDATE, process, one, ["labels"]);
    }
    return step(one.name, process.living || !one.started ? ProjectAction.NONE : ProjectAction.START, process, one);
  });
  const gone = members.filter((member) => !wanted.some((one) => one.name === member.name));
  const action = prune ? ProjectAction.REMOVE : ProjectAction.KEEP;
  return [...steps, ...gone.map((process) => step(process.name, action, process))];
}

function replicas(project: string, process: ProjectProcess, only: readonly string[]): Wanted[] {
  const { spec } = process;
  if (spec === undefined) {
    throw reasonError("INVALID_ARGUMENT", `${process.name} lacks a spec`, { field: "processes.spec" });
  }
  const names =
    process.replicas === undefined
      ? [process.name]
      : Array.from({ length: process.replicas }, (_, i) => `${process.name}.${i + 1}`);
  const labels = { ...process.labels, "pm/project": project, "pm/process": process.name };
  const started = !process.stopped && (only.length === 0 || only.includes(process.name));
  return names.map((name) => ({ name, labels, spec, started }));
}

function sorted(labels: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The process after it; undefined if it is gone. */
function perform(
  world: FakeWorld,
  action: ProjectAction,
  wanted: Wanted | undefined,
  process: FakeProcess | undefined,
): FakeProcess | undefined {
  switch (action) {
    case ProjectAction.CREATE: {
      const made = world.make({ id: "", ...(wanted as Wanted) });
      if (wanted?.started) {
        world.begin(made);
      }
      return made;
    }
    case ProjectAction.RESTART:
    case ProjectAction.UPDATE:
      process?.update(wanted ?? {});
      if (process && action === ProjectAction.RESTART) {
        world.restart(process);
      }
      return process;
    case ProjectAction.START:
      world.begin(process as FakeProcess);
      return process;
    case ProjectAction.REMOVE:
      world.remove(process as FakeProcess);
      return undefined;
    default:
      return process;
  }
}
