/** Waiting for what a process is, whichever run it is in. */
import { PmError, type ProcessInfo, type ProcessManager } from "../sdk/index.ts";

export const stateConditions = ["ready", "healthy", "stopped"] as const;
export type StateCondition = (typeof stateConditions)[number];

export function isStateCondition(word: string | undefined): word is StateCondition {
  return (stateConditions as readonly (string | undefined)[]).includes(word);
}

/**
 * Resolves when the process is ready, healthy, or has ended and is not to run again.
 *
 * @throws PmError `NOT_RUNNING` if it is not going to be ready or healthy; `TIMEOUT`
 */
export async function waitForState(
  manager: ProcessManager,
  ref: string,
  condition: StateCondition,
  limit: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<ProcessInfo> {
  if (condition !== "stopped") {
    return (await manager.processes.wait(ref, { until: condition, ...limit })).process;
  }
  const { id } = await manager.processes.get(ref);
  for await (const event of manager.processes.watch({ filter: { ids: [id] }, ...limit })) {
    if (event.type === "removed") {
      throw new PmError("PROCESS_NOT_FOUND", `process ${id} was removed`, { code: "not_found", metadata: { id } });
    }
    if ((event.type === "added" || event.type === "modified") && isStopped(event.process)) {
      return event.process;
    }
  }
  throw new Error("unreachable: a watch does not end by itself");
}

/** What waits for its next run has not stopped. */
function isStopped({ state, run }: ProcessInfo): boolean {
  return ["exited", "failed", "lost", "givenUp"].includes(state) && !run?.treeAlive;
}
