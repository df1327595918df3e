/** Projects and queues between the SDK's vocabulary and the contract's JSON. */
import type {
  ApplyProjectRequestJson,
  ApplyProjectResponseJson,
  ProjectJson,
} from "../../../gen/ts/pm/v1/project_service_pb.ts";
import type { QueueJson } from "../../../gen/ts/pm/v1/queue_service_pb.ts";
import type { ApplyProjectOptions, Project, ProjectAction, ProjectFrame, Queue } from "../types.ts";
import { withOrigin } from "./origins.ts";
import { processFromJson } from "./process.ts";
import { dateFromJson, enumFromJson, required } from "./scalars.ts";
import { scheduleFromJson, scheduleToJson } from "./schedule.ts";
import { specFromJson, specToJson } from "./spec.ts";
import { batchErrorFromJson } from "./streamed.ts";
import { processStates } from "./words.ts";

const actions: Readonly<Record<string, ProjectAction>> = {
  PROJECT_ACTION_NONE: "none",
  PROJECT_ACTION_CREATE: "create",
  PROJECT_ACTION_UPDATE: "update",
  PROJECT_ACTION_RESTART: "restart",
  PROJECT_ACTION_START: "start",
  PROJECT_ACTION_REMOVE: "remove",
  PROJECT_ACTION_KEEP: "keep",
};

export function applyToJson(name: string, options: ApplyProjectOptions): ApplyProjectRequestJson {
  const { source, prune, dryRun, only, resourceVersion, restartAll, queues = [], schedules = [] } = options;
  return {
    name,
    processes: options.processes.map(({ name: process, labels, spec, replicas, stopped }) => ({
      name: process,
      ...(labels !== undefined && { labels: { ...labels } }),
      spec: specToJson(spec),
      ...(replicas !== undefined && { replicas }),
      ...(stopped && { stopped }),
    })),
    ...(source !== undefined && { source }),
    ...(prune && { prune }),
    ...(dryRun && { dryRun }),
    ...(only !== undefined && { only: [...only] }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(restartAll && { restartAll }),
    queues: queues.map(({ name: queue, parallelism, paused }) => ({
      name: queue,
      ...(parallelism !== undefined && { parallelism }),
      ...(paused !== undefined && { paused }),
    })),
    schedules: schedules.map((schedule) => ({
      ...scheduleToJson(schedule.name, schedule),
      process: { name: schedule.process },
    })),
  };
}

/** Undefined: a kind that this version does not know. */
export function projectFrameFromJson({ plan, progress, end }: ApplyProjectResponseJson): ProjectFrame | undefined {
  if (plan !== undefined) {
    const steps = plan.steps ?? [];
    return {
      type: "plan",
      steps: steps.map(({ name = "", action = "", changedFields = [], processId }) => ({
        name,
        action: actions[action] ?? "unknown",
        changedFields,
        ...(processId && { processId }),
      })),
    };
  }
  if (progress !== undefined) {
    const { step = 0, process, error } = progress;
    return {
      type: "progress",
      step,
      ...(process !== undefined && { process: processFromJson(process) }),
      ...(error !== undefined && { error: batchErrorFromJson(error) }),
    };
  }
  if (end !== undefined) {
    const { project, failed = 0 } = end;
    return { type: "end", failed, ...(project !== undefined && { project: projectFromJson(project) }) };
  }
  return undefined;
}

export function projectFromJson(json: ProjectJson | undefined): Project {
  const project = required(json, "project");
  const { applyTime } = project;
  return withOrigin(
    {
      name: project.name ?? "",
      processes: (project.processes ?? []).map(({ name = "", labels = {}, spec, replicas, stopped = false }) => ({
        name,
        labels,
        spec: specFromJson(spec ?? {}),
        ...(replicas !== undefined && { replicas }),
        stopped,
      })),
      members: (project.members ?? []).map(({ processId = "", name = "", processName = "", state }) => ({
        processId,
        name,
        processName,
        state: enumFromJson(processStates, state, "the state"),
      })),
      source: project.source ?? "",
      ...(applyTime !== undefined && { applyTime: dateFromJson(applyTime) }),
      applying: project.applying ?? false,
      removing: project.removing ?? false,
      resourceVersion: project.resourceVersion ?? "",
      schedules: (project.schedules ?? []).map(scheduleFromJson),
    },
    project,
  );
}

export function queueFromJson(json: QueueJson | undefined): Queue {
  const queue = required(json, "queue");
  const { name = "", parallelism = 1, paused = false, running = [], waiting = [], waitingCount = 0 } = queue;
  return withOrigin({ name, parallelism, paused, running, waiting, waitingCount }, queue);
}
