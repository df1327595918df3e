import type { ProcessInfo, ProcessManager, ProcessUsage } from "../sdk/index.ts";

/** Between the two samples that a percentage needs: the shortest that the contract allows. Milliseconds. */
const INTERVAL_MS = 250;
/** What one request may name. */
const MAX_IDS = 10_000;

/**
 * What those of the processes use that live, by id. A percentage needs a second
 * sample, and so a wait.
 */
export async function measureUsage(
  manager: ProcessManager,
  processes: readonly ProcessInfo[],
  { percent }: { readonly percent: boolean },
): Promise<ReadonlyMap<string, ProcessUsage>> {
  const ids = processes.filter(({ run }) => run?.treeAlive).map(({ id }) => id);
  if (ids.length === 0) {
    return new Map();
  }
  const options = { intervalMs: INTERVAL_MS, io: ids.length === 1, ...(ids.length <= MAX_IDS && { filter: { ids } }) };
  for await (const sample of manager.processes.stats(options)) {
    if (!percent || sample.intervalMs !== undefined || sample.usages.length === 0) {
      return new Map(sample.usages.map((usage) => [usage.id, usage]));
    }
  }
  return new Map();
}
