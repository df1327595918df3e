/** What has to be done for a project to be as it is described. Pure. */

import { closure, type Graph, startOrder, stopOrder } from "../../../common/dependency-graph.ts";
import type { ProcessInfo } from "../../engine/api/process.ts";
import type { ProcessSpec } from "../../engine/api/spec.ts";
import { hasEnded, isUnderWay, succeeded } from "../restart/outcome.ts";
import { changesOf, same } from "./changes.ts";
import { descriptionGraph, type Member, membersOf, processLabel } from "./members.ts";
import type { PendingApply, PendingRemove, ProjectRecord } from "./record.ts";

export type ProjectAction = "none" | "create" | "update" | "restart" | "start" | "remove" | "keep";

export interface Step {
  readonly name: string;
  readonly action: ProjectAction;
  /** By the names of the contract. */
  readonly changedFields: readonly string[];
  readonly id: string;
  /** Null: it is no longer described. */
  readonly member: Member | null;
  /** Of `create`: a run is to begin. */
  readonly starts: boolean;
  /** Of removals: those of one level depend on none of each other. */
  readonly level: number;
}

/**
 * The steps of an application: removals first, so that their ports are free,
 * those that depend on others before these; then the others in the order of
 * their dependencies.
 *
 * @param existing The processes that belong to the project.
 * @param normalized A spec as the engine keeps it.
 */
export function planApply(
  project: Pick<ProjectRecord, "name" | "processes">,
  pending: Pick<PendingApply, "prune" | "only" | "restart">,
  existing: readonly ProcessInfo[],
  normalized: (spec: ProcessSpec) => ProcessSpec = (spec) => spec,
): readonly Step[] {
  const graph = descriptionGraph(project.processes);
  const members = membersOf(project.name, project.processes).map((member) => ({
    ...member,
    spec: normalized(member.spec),
  }));
  const known = new Map(existing.map((process) => [process.id, process]));
  const wanted = pending.only === null ? null : closure(graph, pending.only);
  const steps = members.map((member) =>
    stepFor(member, known.get(member.id), wanted === null || wanted.has(member.processName), pending.restart),
  );
  const ids = new Set(members.map((member) => member.id));
  const surplus = existing
    .filter((process) => !ids.has(process.id))
    .map((process): Step => {
      const gone = pending.prune || graph.has(processNameOf(process));
      return { ...stepOf(process, null), action: gone ? "remove" : "keep" };
    });
  const levels = startOrder(graph).flat();
  return [
    ...inStopOrder(surplus, existing),
    ...levels.flatMap((name) => steps.filter((step) => step.member?.processName === name)),
  ];
}

/** The steps of a removal: those that depend on others before these. */
export function planRemove(pending: PendingRemove, existing: readonly ProcessInfo[]): readonly Step[] {
  return inStopOrder(
    existing.map((process) => ({ ...stepOf(process, null), action: pending.keepProcesses ? "keep" : "remove" })),
    existing,
  );
}

/**
 * Processes in the levels in which they are stopped together: what depends on
 * others first.
 */
export function stopLevels(processes: readonly ProcessInfo[]): readonly (readonly ProcessInfo[])[] {
  const byName = Map.groupBy(processes, processNameOf);
  const graph: Graph = new Map(
    [...byName].map(([name, group]) => [
      name,
      group.flatMap((process) => (process.spec.policy?.dependsOn ?? []).map((dependency) => dependency.process)),
    ]),
  );
  return stopOrder(graph).map((level) => level.flatMap((name) => byName.get(name) ?? []));
}

function inStopOrder(steps: readonly Step[], existing: readonly ProcessInfo[]): readonly Step[] {
  const places = new Map(stopLevels(existing).flatMap((level, place) => level.map(({ id }) => [id, place] as const)));
  return steps.map((step) => ({ ...step, level: places.get(step.id) ?? 0 })).toSorted((a, b) => a.level - b.level);
}

/** The name that a process has in its project. */
export function processNameOf(process: ProcessInfo): string {
  return process.labels[processLabel] ?? process.name;
}

function stepOf({ id, name }: Pick<ProcessInfo, "id" | "name">, member: Member | null): Step {
  return { id, name, action: "none", changedFields: [], member, starts: false, level: 0 };
}

function stepFor(
  member: Member,
  process: ProcessInfo | undefined,
  wanted: boolean,
  restart: Readonly<Record<string, number>>,
): Step {
  const starts = wanted && !member.stopped;
  const step = stepOf(member, member);
  if (process === undefined) {
    return { ...step, action: "create", starts };
  }
  const { run, live } = changesOf(process.spec, member.spec);
  const changedFields = [
    ...(process.name === member.name ? [] : ["name"]),
    ...(same(process.labels, member.labels) ? [] : ["labels"]),
    ...run,
    ...live,
  ];
  const changed: Step = { ...step, changedFields };
  if (isUnderWay(process)) {
    if (run.length > 0 || restart[process.id] === process.run.number) {
      return { ...changed, action: "restart" };
    }
  } else if (starts && mustStart(process, run.length > 0)) {
    return { ...changed, action: "start" };
  }
  return changedFields.length > 0 ? { ...changed, action: "update" } : changed;
}

/** Of a process that does not run: whether applying its project starts it. */
function mustStart(process: ProcessInfo, changed: boolean): boolean {
  // What waits begins by itself, with the spec that it has then.
  if (process.state === "waiting") {
    return false;
  }
  const doneByItself =
    hasEnded(process) && process.run.stop === null && succeeded(process.run, process.spec.policy?.successCodes ?? []);
  return changed || !doneByItself;
}
