/** Which processes a command acts on: references, name patterns, labels, or all there are. */
import { isUuid } from "../common/contract-rules.ts";
import type { ProcessFilter, ProcessManager, ProcessState, Selection } from "../sdk/index.ts";
import { flag, text } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** Options of every command that takes processes. */
export const selectionOptions = {
  selector: text("SELECTOR", "Processes with these labels: a=b,c!=d,e,!f", { short: "l", complete: "none" }),
  all: flag("All processes"),
} as const;

/** An option of every command that changes processes; the launcher gives one, so that it can run the command again. */
export const requestOptions = {
  "request-id": text("ID", "Repeat this request safely: the same id is carried out once", { complete: "none" }),
} as const;

/** Operands of every command that takes processes. */
export const selectionOperands = { usage: "[ID...]", min: 0, complete: "process" } as const;

/** Below the description of such a command. */
export const selectionHelp =
  "ID is a name, a UUID, its first four or more characters, or a pattern of names such as 'web-*'. With -l, IDs count\n" +
  "only if they have the labels. It is no failure if nothing matches a pattern or labels.";

/** What was typed. */
export interface ProcessSelection {
  /** References, each once. */
  readonly refs: readonly string[];
  readonly patterns: readonly string[];
  readonly selector: string | undefined;
}

/** States of processes that have not ended. */
export const livingStates: readonly ProcessState[] = ["starting", "running", "stopping", "waiting"];

/** Names and UUIDs that one request may hold. */
const maxEntries = 1000;

/** @throws UsageError if nothing was selected, or too much was said */
export function selectionOf(
  operands: readonly string[],
  { selector, all }: { readonly selector: string | undefined; readonly all: boolean },
): ProcessSelection {
  if (all && operands.length > 0) {
    throw new UsageError("give either IDs or --all, not both");
  }
  if (!all && selector === undefined && operands.length === 0) {
    throw new UsageError("no process is named: give an ID, -l SELECTOR or --all", "'pm ls -a' lists the processes");
  }
  const isPattern = (operand: string): boolean => /[*?[]/.test(operand);
  const unique = [...new Set(operands)];
  return {
    refs: unique.filter((operand) => !isPattern(operand)),
    patterns: unique.filter(isPattern),
    selector,
  };
}

/** The one process that is meant, whatever its labels; undefined if several may be meant, or none. */
export function onlyReference({ refs, patterns, selector }: ProcessSelection): string | undefined {
  return refs.length === 1 && patterns.length === 0 && selector === undefined ? refs[0] : undefined;
}

/** References as the daemon knows them, by what was typed; an error for each that cannot be one. */
export async function resolveEach(
  manager: ProcessManager,
  refs: readonly string[],
): Promise<ReadonlyMap<string, string | Error>> {
  try {
    const resolved = await manager.processes.resolveAll(refs);
    return new Map(refs.map((ref, index) => [ref, resolved[index] ?? ref]));
  } catch {
    // One that cannot be resolved must not keep the others.
    const each = refs.map(async (ref) => [ref, await manager.processes.resolve(ref).catch((error) => error)] as const);
    return new Map(await Promise.all(each));
  }
}

/**
 * The filters that select what was typed; several where one request cannot hold it.
 *
 * @param resolved UUIDs and names
 * @param states undefined: any
 */
export function filtersOf(
  { refs, patterns, selector }: ProcessSelection,
  resolved: readonly string[],
  states?: readonly ProcessState[],
): readonly ProcessFilter[] {
  const common = { ...(selector !== undefined && { selector }), ...(states !== undefined && { states }) };
  const filters: ProcessFilter[] = [];
  for (let at = 0; at < resolved.length; at += maxEntries) {
    const part = resolved.slice(at, at + maxEntries);
    filters.push({ ...common, ids: part.filter(isUuid), names: part.filter((ref) => !isUuid(ref)) });
  }
  const [first] = filters;
  if (patterns.length > 0) {
    filters[0] = { ...(first ?? common), namePatterns: patterns };
  } else if (first === undefined && refs.length === 0) {
    filters.push(common);
  }
  return filters;
}

/** A filter for a call that changes what it selects: to select everything must be said. */
export function changing(filter: ProcessFilter): Selection {
  return Object.keys(filter).length === 0 ? { all: true } : filter;
}
