import type { RequestContext } from "../api/control.ts";
import type { ProcessFilter } from "../api/list.ts";
import type { Core } from "../core.ts";
import { selected } from "../process/filter.ts";
import type { ManagedProcess } from "../process/process.ts";
import { byEnd, endedFor, heldBytes, isSpare, removeAll } from "./remove-ended.ts";
import { causeOf } from "./stop.ts";

/** Removes the ended processes that a filter selects. */
export async function prune(
  core: Core,
  filter: ProcessFilter,
  olderThanMs: number,
  dryRun: boolean,
  context: RequestContext,
): Promise<{ ids: string[]; freedBytes: number }> {
  core.checkOpen();
  const chosen = byEnd(
    selected(core.table, filter).filter((process) => endedFor(core, process) >= olderThanMs && isSpare(core, process)),
  );
  const ids: string[] = [];
  let freedBytes = 0;
  const count = (process: ManagedProcess) => {
    ids.push(process.id);
    freedBytes += heldBytes(core, process);
  };
  if (dryRun) for (const process of chosen) count(process);
  else await removeAll(core, chosen, causeOf(context), count);
  return { ids, freedBytes };
}
