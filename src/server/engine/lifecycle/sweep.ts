import { setImmediate } from "node:timers/promises";
import type { Core } from "../core.ts";

/** Events are hints: every living ring is looked at this often even if none comes. */
const intervalMs = 60_000;
/** Looked at in one go, before others get their turn. */
const batch = 200;

/** Looks at all rings now and then. The answer ends that. */
export function sweepRings(core: Core): () => void {
  const timer = setInterval(() => void sweep(core), intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

async function sweep(core: Core): Promise<void> {
  let looked = 0;
  for (const process of [...core.table.ordered]) {
    if (process.current.final) continue;
    core.refresh(process);
    if (++looked % batch === 0) await setImmediate();
    if (core.closed) return;
  }
}
