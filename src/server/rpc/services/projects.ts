import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type ApplyProjectRequest,
  type ApplyProjectResponseSchema,
  ProjectAction,
  type ProjectSchema,
  type ProjectService,
  type ProjectProcess as ProtoProcess,
} from "../../../../gen/ts/pm/v1/project_service_pb.ts";
import type { Cause } from "../../engine/api/cause.ts";
import type { RequestContext } from "../../engine/api/control.ts";
import type { Log } from "../../log.ts";
import { processLabel, projectLabel } from "../../supervision/project/members.ts";
import { type ProjectAction as Action, processNameOf } from "../../supervision/project/plan.ts";
import type { ProjectFrame, ProjectStatus } from "../../supervision/project/projects.ts";
import type { ProjectProcess } from "../../supervision/project/record.ts";
import { requestContext } from "../caller.ts";
import { stateToProto, viewFromProto } from "../convert/enums.ts";
import { processToProto, type QueuePositions } from "../convert/process.ts";
import { requiredName, scheduleFromProto, scheduleToProto } from "../convert/schedule.ts";
import { requiredSpec, specToProto } from "../convert/spec.ts";
import { graceRange } from "../convert/stop.ts";
import { optionalMillis } from "../convert/supervision.ts";
import { millisFromDuration } from "../convert/time.ts";
import { checked, type Field } from "../edge/field.ts";
import { atMost, labels, processRef, token, within } from "../edge/rules.ts";
import { toFailure } from "../errors.ts";
import type { ServiceDependencies } from "./dependencies.ts";
import { maxParallelism } from "./queues.ts";

const maxProcesses = 1000;
const maxReplicas = 1000;
const maxSourceLength = 4096;

const actionToProto = {
  none: ProjectAction.NONE,
  create: ProjectAction.CREATE,
  update: ProjectAction.UPDATE,
  restart: ProjectAction.RESTART,
  start: ProjectAction.START,
  remove: ProjectAction.REMOVE,
  keep: ProjectAction.KEEP,
} as const satisfies Record<Action, ProjectAction>;

type Frame = NonNullable<MessageInitShape<typeof ApplyProjectResponseSchema>["frame"]>;

/** The contract's ProjectService. */
export function projectService({ supervision, log }: ServiceDependencies): ServiceImpl<typeof ProjectService> {
  const { projects, queues, schedules } = supervision;

  const describe = (
    project: ProjectStatus,
    view: "none" | "basic" | "full",
  ): MessageInitShape<typeof ProjectSchema> => {
    const ids = new Set(project.members.map(({ id }) => id));
    return {
      name: project.name,
      processes: view === "none" ? [] : project.processes.map((process) => processOfProject(process, view === "full")),
      members: project.members
        .map((process) => ({
          processId: process.id,
          name: process.name,
          processName: processNameOf(process),
          state: stateToProto[process.state],
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      source: project.source,
      applyTime: optionalMillis(project.applyTime),
      applying: project.pending?.kind === "apply",
      removing: project.pending?.kind === "remove",
      resourceVersion: String(project.version),
      schedules: schedules
        .list()
        .filter(({ processId }) => ids.has(processId))
        .map(scheduleToProto),
    };
  };

  async function* frames(stream: AsyncIterable<ProjectFrame>, method: string): AsyncGenerator<{ frame: Frame }> {
    for await (const frame of stream) {
      yield { frame: frameToProto(frame, (project) => describe(project, "basic"), supervision, log, method) };
    }
  }

  return {
    async *applyProject(request, handlerContext) {
      const { apply, queueChanges } = checked((root) =>
        applyFromProto(request, requestContext(request, handlerContext, root), root),
      );
      if (!apply.dryRun) {
        // Queues are set first, and stay as they were where the project is refused.
        projects.check(apply);
        for (const { name, ...change } of queueChanges) {
          await queues.set(name, change);
        }
      }
      yield* frames(projects.apply(apply), request.$typeName);
    },

    getProject(request) {
      const name = nameOf(request);
      return { project: describe(projects.get(name), viewFromProto(request.view) === "full" ? "full" : "basic") };
    },

    listProjects: () => ({ projects: projects.list().map((project) => describe(project, "none")) }),

    async *removeProject(request, handlerContext) {
      const remove = checked((root) => ({
        name: requiredName(request.name, root.child("name")),
        graceMs: millisFromDuration(request.gracePeriod, graceRange, root.child("grace_period")),
        keepProcesses: request.keepProcesses,
        resourceVersion: token(request.resourceVersion, root.child("resource_version")),
        cause: causeOf(requestContext(request, handlerContext, root), request.name),
      }));
      yield* frames(projects.remove(remove), request.$typeName);
    },
  };
}

function applyFromProto(request: ApplyProjectRequest, context: RequestContext, root: Field) {
  const source = request.source;
  if (source.length > maxSourceLength) {
    root.child("source").refuse(`must not be longer than ${maxSourceLength} characters`);
  }
  return {
    apply: {
      name: requiredName(request.name, root.child("name")),
      processes: atMost(request.processes, maxProcesses, root.child("processes")).map((process, index) =>
        processFromProto(process, root.child("processes").item(index)),
      ),
      source,
      prune: request.prune,
      dryRun: request.dryRun,
      only: [...request.only],
      resourceVersion: token(request.resourceVersion, root.child("resource_version")),
      restartAll: request.restartAll,
      schedules: request.schedules.map((schedule, index) => {
        const at = root.child("schedules").item(index);
        const ref = processRef(schedule.process, at.child("process"));
        if (ref.name === undefined) {
          at.child("process").refuse("must be the name of a process of the project");
        }
        return { ...scheduleFromProto(schedule, at), process: ref.name ?? "" };
      }),
      cause: causeOf(context, request.name),
    },
    queueChanges: request.queues.map((queue, index) => {
      const at = root.child("queues").item(index);
      return {
        name: requiredName(queue.name, at.child("name")),
        parallelism:
          queue.parallelism === undefined
            ? undefined
            : within(queue.parallelism, 1, maxParallelism, at.child("parallelism")),
        paused: queue.paused,
      };
    }),
  };
}

function processFromProto(process: ProtoProcess, at: Field): ProjectProcess {
  for (const own of [projectLabel, processLabel].filter((key) => Object.hasOwn(process.labels, key))) {
    at.child("labels").key(own).refuse("is set by the daemon");
  }
  return {
    name: requiredName(process.name, at.child("name")),
    labels: labels(process.labels, at.child("labels")),
    spec: requiredSpec(process.spec, at.child("spec")),
    replicas: process.replicas === undefined ? null : within(process.replicas, 0, maxReplicas, at.child("replicas")),
    stopped: process.stopped,
  };
}

function processOfProject({ name, labels: given, spec, replicas, stopped }: ProjectProcess, withEnv: boolean) {
  return { name, labels: { ...given }, spec: specToProto(spec, withEnv), replicas: replicas ?? undefined, stopped };
}

function frameToProto(
  frame: ProjectFrame,
  describe: (project: ProjectStatus) => MessageInitShape<typeof ProjectSchema>,
  queues: QueuePositions,
  log: Log,
  method: string,
): Frame {
  switch (frame.kind) {
    case "plan":
      return {
        case: "plan",
        value: {
          steps: frame.steps.map(({ name, action, changedFields, id }) => ({
            name,
            action: actionToProto[action],
            changedFields: [...changedFields],
            processId: action === "create" ? "" : id,
          })),
        },
      };
    case "progress": {
      const error = frame.error === null ? undefined : toFailure(frame.error, log, method);
      return {
        case: "progress",
        value: {
          step: frame.step,
          process: frame.process === null ? undefined : processToProto(frame.process, queues),
          error: error === undefined ? undefined : { ...error, metadata: { ...error.metadata } },
        },
      };
    }
    case "end":
      return {
        case: "end",
        value: { project: frame.project === null ? undefined : describe(frame.project), failed: frame.failed },
      };
  }
}

function nameOf(request: { readonly name: string }): string {
  return checked((root) => requiredName(request.name, root.child("name")));
}

function causeOf({ principal, requestId }: RequestContext, project: string): Cause {
  return { kind: "project", principal, requestId, detail: project };
}
