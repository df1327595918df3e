/** Reading the processes that a command selects. */
import { isName, isUuid } from "../common/contract-rules.ts";
import type { ProcessInfo, ProcessManager } from "../sdk/index.ts";
import { type Caller, endsCommand } from "./caller.ts";
import { exitCodeOf, formatError } from "./errors.ts";
import { filtersOf, onlyReference, type ProcessSelection, resolveEach } from "./selection.ts";

export interface Found {
  /** Those that were named in their order, then those of patterns and labels. */
  readonly found: readonly ProcessInfo[];
  /** The exit code of what was told to be missing; undefined if nothing was. */
  readonly failed: number | undefined;
}

/** @throws the error, where a single process was named */
export async function findProcesses(
  manager: ProcessManager,
  selection: ProcessSelection,
  caller: Caller,
  { env = false, debug }: { readonly env?: boolean; readonly debug: boolean },
): Promise<Found> {
  const { processes } = manager;
  const only = onlyReference(selection);
  if (only !== undefined) {
    return { found: [await processes.get(await processes.resolve(only), { env })], failed: undefined };
  }
  let failed: number | undefined;
  const report = (error: unknown): undefined => {
    if (endsCommand(error)) {
      throw error;
    }
    caller.note(formatError(error, debug));
    failed = Math.max(failed ?? 0, exitCodeOf(error));
    return undefined;
  };
  const resolved = await resolveEach(manager, selection.refs);
  const refs: string[] = [];
  for (const ref of resolved.values()) {
    if (typeof ref === "string" && (isUuid(ref) || isName(ref))) {
      refs.push(ref);
    } else {
      report(typeof ref === "string" ? await processes.get(ref).catch((error: unknown) => error) : ref);
    }
  }
  const listed: ProcessInfo[] = [];
  for (const filter of filtersOf(selection, refs)) {
    listed.push(...(await processes.listAll({ filter, env })));
  }
  const found = new Set<ProcessInfo>();
  for (const ref of refs) {
    // Of a name several may come with a pattern: the one that the name means is what get() answers.
    const fitting = listed.filter(({ id, name }) => id === ref || name === ref);
    const one =
      fitting.length === 1
        ? fitting[0]
        : selection.selector !== undefined && fitting.length === 0
          ? undefined
          : await processes.get(ref, { env }).catch(report);
    if (one !== undefined) {
      found.add(fitting.find(({ id }) => id === one.id) ?? one);
    }
  }
  return { found: [...new Set([...found, ...listed])], failed };
}
