/** Changing what a process is: its name, labels, and how its next run is started. */
import { escapeBytes } from "../common/escape.ts";
import { PmError, type ProcessInfo, type ProcessManager, type TextOrBytes, type UpdateOptions } from "../sdk/index.ts";
import type { Variable } from "./arguments/variable.ts";
import type { Caller } from "./caller.ts";
import { type OptionValues, repeated } from "./command.ts";
import { givenLast } from "./given.ts";
import { directoryOf, givenVariables, limitsOf, specOptions } from "./start-options.ts";

export const changeOptions = {
  ...specOptions,
  "unset-env": repeated("KEY", (text: string) => text, "Remove a variable", { complete: "none" }),
} as const;

/** What is to be changed of a spec. */
export interface SpecChanges {
  readonly fields: NonNullable<UpdateOptions["spec"]>;
  readonly set: readonly Variable[];
  readonly unset: readonly string[];
  readonly limits: ReturnType<typeof limitsOf>;
}

/** Undefined if nothing is. */
export function changesOf(
  options: OptionValues<typeof changeOptions>,
  command: readonly string[],
  caller: Caller,
): SpecChanges | undefined {
  const [executable, ...args] = givenLast(command, caller);
  const cwd = options.directory === undefined ? undefined : directoryOf(options.directory, true, caller);
  const stop = {
    ...(options["stop-signal"] === undefined ? {} : { signal: options["stop-signal"] }),
    ...(options["stop-timeout"] === undefined ? {} : { graceMs: options["stop-timeout"] }),
  };
  const fields = {
    ...(executable === undefined ? {} : { executable, args }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(options["output-limit"] === undefined ? {} : { output: { limitBytes: options["output-limit"] } }),
    ...(Object.keys(stop).length === 0 ? {} : { stop }),
    ...(options.umask === undefined ? {} : { umask: options.umask }),
    ...(options.nice === undefined ? {} : { nice: options.nice }),
  };
  const changes = {
    fields,
    set: givenVariables(options),
    unset: options["unset-env"],
    limits: limitsOf(options, {}),
  };
  const nothing =
    Object.keys(fields).length + changes.set.length + changes.unset.length + Object.keys(changes.limits).length === 0;
  return nothing ? undefined : changes;
}

/** How often somebody else may change the process between the look and the change. */
const maxRaces = 10;

/** What is to be changed of a process. */
export interface ProcessChanges {
  readonly spec?: SpecChanges;
  /** null takes it away. */
  readonly name?: string | null;
  readonly labels?: { readonly set: Readonly<Record<string, string>>; readonly unset: readonly string[] };
}

/**
 * Changes one process; what somebody else changes at the same time is not undone.
 *
 * @param requestId default: a new one
 */
export async function changeProcess(
  { processes }: ProcessManager,
  ref: string,
  { spec, name, labels }: ProcessChanges,
  requestId?: string,
): Promise<ProcessInfo> {
  for (let attempt = 1; ; attempt++) {
    const existing = await processes.get(ref, { env: spec !== undefined });
    try {
      return await processes.update(existing.id, {
        ...(name !== undefined && { name }),
        ...(labels && { labels: without({ ...existing.labels, ...labels.set }, labels.unset) }),
        ...(spec && { spec: applied(existing, spec) }),
        precondition: { resourceVersion: existing.resourceVersion },
        ...(requestId !== undefined && { requestId }),
      });
    } catch (error) {
      if (attempt === maxRaces || !(error instanceof PmError) || error.reason !== "CONDITION_FAILED") {
        throw error;
      }
    }
  }
}

/** The process that this very request has changed already; undefined: none. Its name may be another one since. */
export async function changedBefore({ events }: ProcessManager, requestId: string): Promise<string | undefined> {
  for await (const frame of events.stream({ types: ["updated"] })) {
    if (frame.type === "event" && frame.event.cause?.requestId === requestId) {
      return frame.event.processId;
    }
  }
  return undefined;
}

function without(labels: Readonly<Record<string, string>>, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !keys.includes(key)));
}

/** The fields that change, whole: of limits, output and stop what is not named stays. */
function applied(
  { spec }: ProcessInfo,
  { fields, set, unset, limits }: SpecChanges,
): NonNullable<UpdateOptions["spec"]> {
  const env = set.length + unset.length === 0 ? {} : { env: environment(spec, set, unset) };
  const { rlimits = [], ...tree } = limits;
  const named = new Set(rlimits.map(({ resource }) => resource));
  const kept = (spec.limits.rlimits ?? []).filter(({ resource }) => !named.has(resource));
  return {
    ...fields,
    ...env,
    ...(fields.output && { output: { ...spec.output, ...fields.output } }),
    ...(fields.stop && { stop: { ...spec.stop, ...fields.stop } }),
    ...(Object.keys(limits).length > 0 && { limits: { ...spec.limits, ...tree, rlimits: [...kept, ...rlimits] } }),
  };
}

function environment(
  { env, envBytes }: ProcessInfo["spec"],
  set: readonly Variable[],
  unset: readonly string[],
): Variable[] {
  const shown = (name: TextOrBytes): string => (typeof name === "string" ? name : escapeBytes(name));
  const variables = new Map<string, Variable>();
  for (const [name, value] of [
    ...Object.entries(env),
    ...envBytes.map(({ name, value }) => [name, value] as const),
    ...set,
  ]) {
    variables.set(shown(name), [name, value]);
  }
  for (const name of unset) {
    variables.delete(name);
  }
  return [...variables.values()];
}
