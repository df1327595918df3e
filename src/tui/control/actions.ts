import type { ProcessManager } from "../../sdk/manager.ts";
import type { ProcessInfo } from "../../sdk/types.ts";
import type { Action } from "../store/action.ts";
import { processLabel } from "../store/selection.ts";
import type { ConfirmedAction } from "../store/state.ts";
import { errorText } from "./errors.ts";

/** Requests of one bulk action that are under way at a time. */
const PARALLEL = 16;

const DONE: Record<ConfirmedAction, string> = {
  stop: "Stopped",
  kill: "Killed",
  restart: "Restarted",
  remove: "Removed",
};

/** Does it to one process; resolves with what went wrong, or null. */
async function actOn(manager: ProcessManager, action: ConfirmedAction, process: ProcessInfo): Promise<string | null> {
  const label = processLabel(process);
  try {
    switch (action) {
      case "stop":
      case "kill": {
        const result = await manager.stop(process.id, action === "kill" ? { force: true, graceMs: 0 } : {});
        if (!result.stopped) {
          const pids = result.survivors.map(({ pid }) => pid).join(", ");
          return `${label} did not stop${pids ? `: ${pids} live` : ""}; X kills it`;
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
    return `${label}: ${errorText(error)}`;
  }
}

/** Does it to all of them and says how it went. */
export async function act(
  manager: ProcessManager,
  action: ConfirmedAction,
  targets: readonly ProcessInfo[],
): Promise<Action> {
  const failures: string[] = [];
  const queue = targets.slice();
  const worker = async (): Promise<void> => {
    for (let process = queue.shift(); process; process = queue.shift()) {
      const failure = await actOn(manager, action, process);
      if (failure !== null) {
        failures.push(failure);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, targets.length) }, worker));
  const [first] = targets;
  const now = Date.now();
  if (failures.length > 0) {
    const rest = failures.length > 1 ? ` (and ${failures.length - 1} more of ${targets.length})` : "";
    return { type: "toast", level: "error", text: `${failures[0]}${rest}`, now };
  }
  const what = targets.length === 1 && first ? processLabel(first) : `${targets.length} processes`;
  return { type: "toast", level: "info", text: `${DONE[action]} ${what}`, now };
}
