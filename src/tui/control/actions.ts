import type { ProcessManager } from "../../sdk/manager.ts";
import type { ProcessInfo } from "../../sdk/types.ts";
import type { Action, Failure } from "../state/action.ts";
import type { BulkAction } from "../state/overlays/overlay.ts";
import { errorText, isConnectionError } from "./errors.ts";

/** How often progress is told, and after how long for the first time. Milliseconds. */
const PROGRESS_MS = 250;
/** Requests of one bulk action that are under way at a time. */
const PARALLEL = 16;

/** Does it to one process; resolves with what went wrong, or null. */
async function actOn(manager: ProcessManager, action: BulkAction, process: ProcessInfo): Promise<Failure | null> {
  try {
    switch (action) {
      case "stop":
      case "kill": {
        const result = await manager.stop(process.id, action === "kill" ? { force: true, graceMs: 0 } : {});
        if (!result.stopped) {
          const pids = result.survivors.map(({ pid }) => pid).join(", ");
          const reason = `it did not end${action === "stop" ? ", X kills it" : ""}${pids ? ` (pids ${pids})` : ""}`;
          return { process, reason, connection: false };
        }
        return null;
      }
      case "restart":
        await manager.restart(process.id);
        return null;
      case "remove":
        await manager.remove(process.id);
        return null;
    }
  } catch (error) {
    return { process, reason: errorText(error), connection: isConnectionError(error) };
  }
}

/** Does it to all of them and says how it went; `onProgress` is told meanwhile how many are done. */
export async function act(
  manager: ProcessManager,
  action: BulkAction,
  targets: readonly ProcessInfo[],
  onProgress: (done: number) => void,
): Promise<Action> {
  const outcomes: (Failure | null)[] = [];
  let done = 0;
  const progress = targets.length > 1 ? setInterval(() => onProgress(done), PROGRESS_MS) : undefined;
  const queue = [...targets.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [i, process] = next;
      outcomes[i] = await actOn(manager, action, process);
      done++;
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, targets.length) }, worker));
  clearInterval(progress);
  const failures = outcomes.filter((failure) => failure !== null);
  return { type: "action-result", action, targets, failures, now: Date.now() };
}
