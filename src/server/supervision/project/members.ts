import { createHash } from "node:crypto";
import type { Graph } from "../../../common/dependency-graph.ts";
import type { ProcessSpec } from "../../engine/api/spec.ts";
import type { ProjectProcess } from "./record.ts";

export const projectLabel = "pm/project";
export const processLabel = "pm/process";
export const replicaVariable = "PM_REPLICA";

/** A process as a project wants it. */
export interface Member {
  /** The same for the same project and name, so that nothing is made twice, whoever dies meanwhile. */
  readonly id: string;
  readonly name: string;
  /** The name that it has in the project. */
  readonly processName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: ProcessSpec;
  readonly stopped: boolean;
}

/** All members, in the order of the description. */
export function membersOf(project: string, processes: readonly ProjectProcess[]): readonly Member[] {
  return processes.flatMap((process) => {
    const member = (name: string, spec: ProcessSpec): Member => ({
      id: memberId(project, name),
      name,
      processName: process.name,
      labels: { ...process.labels, [projectLabel]: project, [processLabel]: process.name },
      spec,
      stopped: process.stopped,
    });
    return process.replicas === null
      ? [member(process.name, process.spec)]
      : Array.from({ length: process.replicas }, (_, index) =>
          member(`${process.name}.${index + 1}`, withReplica(process.spec, index + 1)),
        );
  });
}

/** Two members that would carry one name, such as a process "web.1" beside replicas of "web"; undefined: none do. */
export function sharedName(members: readonly Member[]): string | undefined {
  const seen = new Set<string>();
  return members.find(({ name }) => seen.size === seen.add(name).size)?.name;
}

/** A UUID of version 8 (RFC 9562): made from a hash. */
function memberId(project: string, name: string): string {
  const hash = createHash("sha256").update(`pm/project/${project}/${name}`).digest().subarray(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function withReplica(spec: ProcessSpec, number: number): ProcessSpec {
  const others = spec.env.filter(({ name }) => name !== replicaVariable);
  return { ...spec, env: [...others, { name: replicaVariable, value: String(number) }] };
}

/** What the processes of a description depend on, by the names in it. */
export function descriptionGraph(processes: readonly ProjectProcess[]): Graph {
  return new Map(
    processes.map(({ name, spec }) => [name, (spec.policy?.dependsOn ?? []).map((dependency) => dependency.process)]),
  );
}
