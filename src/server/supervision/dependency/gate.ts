import type { Dependency, DependencyCondition } from "../../engine/api/policy.ts";
import type { ProcessInfo } from "../../engine/api/process.ts";
import { hasEnded, isUnderWay, succeeded } from "../restart/outcome.ts";

/** What keeps a process from beginning. */
export interface Unmet {
  /** The name of the process that is waited for, its UUID if it has none. */
  readonly name: string;
  /** What is wrong, for people. */
  readonly why: string;
}

/**
 * The dependencies that are not met yet. Pure.
 *
 * @param find The processes that a reference means: several, if it names a process of a project with replicas.
 */
export function unmet(
  dependencies: readonly Dependency[],
  find: (reference: string) => readonly ProcessInfo[],
): readonly Unmet[] {
  return dependencies.flatMap(({ process: reference, condition }) => {
    const processes = find(reference);
    if (processes.length === 0) {
      return [{ name: reference, why: "there is no such process" }];
    }
    return processes.flatMap((process) => {
      const why = conditions[condition](process);
      return why === null ? [] : [{ name: process.name === "" ? process.id : process.name, why }];
    });
  });
}

/** Null if the condition is met, else why not. */
const conditions: Readonly<Record<DependencyCondition, (process: ProcessInfo) => string | null>> = {
  started: (process) => (process.run.number > 0 && process.run.startTime !== null ? null : whyNotStarted(process)),
  ready: (process) => {
    if (process.run.number === 0 || process.run.state !== "running") {
      return whyNotStarted(process);
    }
    const probed = (process.spec.policy?.readiness ?? null) !== null;
    const { run = 0, readiness = null } = process.supervision ?? {};
    return !probed || (run === process.run.number && readiness === "ready") ? null : "it is not ready yet";
  },
  completed: (process) => (hasEnded(process) ? null : "it has not ended yet"),
  completedSuccessfully: (process) => {
    if (!hasEnded(process)) {
      return "it has not ended yet";
    }
    return succeeded(process.run, process.spec.policy?.successCodes ?? []) ? null : "it has failed";
  },
};

function whyNotStarted(process: ProcessInfo): string {
  if (process.state === "givenUp") {
    return "its restart policy has given up";
  }
  if (process.state === "failed") {
    return "it could not be started";
  }
  return isUnderWay(process) ? "it is starting" : "it is not running";
}
