/** What has become of the processes of a project, as 'pm up' tells it. Pure. */

import type { ProcessInfo } from "../../sdk/index.ts";
import { exitText, timeLeft } from "../output/process-table.ts";

/** Set by the daemon on every process of a project: the name that it has there. */
const processLabel = "pm/process";

export interface ProjectOutcome {
  /** Nothing runs, and nothing is going to. */
  readonly over: boolean;
  /** What failed, or cannot begin since something else failed. */
  readonly failed: readonly { readonly name: string; readonly why: string }[];
}

export function projectOutcome(processes: Iterable<ProcessInfo>): ProjectOutcome {
  const all = [...processes];
  const stuck = stuckOnes(all);
  return {
    over: all.every((info) => isOver(info) || stuck.has(info)),
    failed: all.flatMap((info) => {
      const why = stuck.has(info) ? neverStarts(info) : failure(info);
      return why === undefined ? [] : [{ name: nameOf(info), why }];
    }),
  };
}

export function nameOf({ name, id }: ProcessInfo): string {
  return name ?? id.slice(0, 8);
}

/**
 * What there is to say of a process that has just become so; undefined: nothing. `key` is the same as long as it says
 * the same.
 */
export function progressOf(info: ProcessInfo, now: Date): { readonly key: string; readonly text: string } | undefined {
  const { state, run, supervision } = info;
  if (run === undefined) {
    return undefined;
  }
  const key = `${run.number}/${state}`;
  if (state === "waiting" && supervision?.waiting?.reason === "restart" && run.exitTime !== undefined) {
    const { waiting, attempt, maxAttempts } = supervision;
    const left = waiting.until === undefined ? "" : ` in ${timeLeft(waiting.until, now)}`;
    const attempts = `${attempt}${maxAttempts === 0 ? "" : `/${maxAttempts}`}`;
    return { key, text: `${endText(info)}; restarts${left} (${attempts})` };
  }
  return isOver(info) && !wasStopped(info) ? { key, text: failure(info) ?? endText(info) } : undefined;
}

/** It has ended with all of its tree, and is not to run again by itself. */
function isOver({ state, run }: ProcessInfo): boolean {
  return ["exited", "failed", "lost", "givenUp"].includes(state) && run?.treeAlive !== true;
}

function failure(info: ProcessInfo): string | undefined {
  if (!isOver(info) || info.run === undefined || wasStopped(info)) {
    return undefined;
  }
  if (info.state === "givenUp") {
    return `given up: ${endText(info)}`;
  }
  return succeeded(info) ? undefined : endText(info);
}

/** Somebody asked for it; what supervision itself stops has failed. */
function wasStopped({ run }: ProcessInfo): boolean {
  const kind = run?.stop?.cause?.kind;
  return kind === "request" || kind === "project";
}

function succeeded({ state, spec, run }: ProcessInfo): boolean {
  const code = state === "exited" ? run?.exit?.code : undefined;
  const ended = run?.stop?.cause?.kind;
  const codes = spec.successCodes ?? [];
  return code !== undefined && ended === undefined && (codes.length === 0 ? code === 0 : codes.includes(code));
}

function endText({ run }: ProcessInfo): string {
  if (run?.failure !== undefined) {
    const { step, message, path } = run.failure;
    return `could not be started: ${path === undefined ? step : `${step} ${path}`}: ${message}`;
  }
  const stop = run?.stop?.cause;
  const forced = stop === undefined || stop.kind === "request" ? "" : `stopped (${stop.detail ?? stop.kind}), `;
  const text = exitText(run);
  return `${forced}${run?.exit?.code === undefined ? `ended by ${text ?? "nobody knows what"}` : `exit code ${text}`}`;
}

function neverStarts({ supervision }: ProcessInfo): string {
  return `never starts: ${supervision?.waiting?.detail ?? ""}`;
}

/** Those that wait for something that is not going to come: nothing of the project can change that. */
function stuckOnes(all: readonly ProcessInfo[]): ReadonlySet<ProcessInfo> {
  const members = (reference: string): readonly ProcessInfo[] =>
    all.filter(({ id, name, labels }) => [id, name, labels[processLabel]].includes(reference));
  const stuck = new Set<ProcessInfo>();
  for (let before = -1; before < stuck.size; ) {
    before = stuck.size;
    for (const info of all) {
      const waits = info.state === "waiting" && info.supervision?.waiting?.reason === "dependency";
      const dependencies = waits ? (info.spec.dependsOn ?? []) : [];
      const isStuck = dependencies.some(({ process, condition = "started" }) =>
        members(process).some((member) => stuck.has(member) || (isOver(member) && !met(member, condition))),
      );
      if (isStuck) {
        stuck.add(info);
      }
    }
  }
  return stuck;
}

/** Of a process that is over. */
function met(info: ProcessInfo, condition: "started" | "ready" | "completed" | "completedSuccessfully"): boolean {
  switch (condition) {
    case "started":
      return info.run?.startTime !== undefined;
    case "ready":
      return false;
    case "completed":
      return info.run !== undefined;
    case "completedSuccessfully":
      return succeeded(info);
  }
}
