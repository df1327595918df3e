import { PmError } from "../../sdk/errors.ts";
import type { ProcessManager } from "../../sdk/manager.ts";
import type { ProcessInfo, StopReceipt } from "../../sdk/types.ts";
import type { Action, Failure } from "../state/action.ts";
import type { BulkAction } from "../state/overlays/overlay.ts";
import { errorText, isConnectionError } from "./errors.ts";

/** How often progress is told, and after how long for the first time. Milliseconds. */
const PROGRESS_MS = 250;
/** Processes that one call can name. */
const MOST_IDS = 1000;
/** A daemon that is gone for longer than this will not be waited for. Milliseconds. */
const RECONNECT_MS = 10_000;

const AT_ONCE = { force: true, graceMs: 0 } as const;

/** What became of one of the processes. */
interface Outcome {
  readonly id: string;
  readonly receipt?: StopReceipt;
  readonly error?: unknown;
}

/** Does it to one process. */
async function actOn(manager: ProcessManager, action: BulkAction, id: string): Promise<Outcome> {
  const { processes } = manager;
  switch (action) {
    case "stop":
    case "kill":
      return { id, receipt: (await processes.stop(id, action === "kill" ? AT_ONCE : {})).receipt };
    case "restart":
      await processes.restart(id);
      return { id };
    case "remove":
      await processes.remove(id);
      return { id };
  }
}

/** Does it to several, side by side; yields what became of each as soon as that is known. */
async function* actOnAll(
  manager: ProcessManager,
  action: BulkAction,
  ids: readonly string[],
): AsyncGenerator<Outcome, void, void> {
  const { processes } = manager;
  const options = { reconnectMs: RECONNECT_MS };
  for (let from = 0; from < ids.length; from += MOST_IDS) {
    const selection = { ids: ids.slice(from, from + MOST_IDS) };
    switch (action) {
      case "stop":
      case "kill":
        for await (const { process, ...outcome } of processes.stopAll(selection, {
          ...options,
          ...(action === "kill" && AT_ONCE),
        })) {
          yield { id: process.id, ...outcome };
        }
        break;
      case "restart":
        for await (const { process, ...outcome } of processes.restartAll(selection, options)) {
          yield { id: process.id, ...outcome };
        }
        break;
      case "remove":
        yield* processes.removeAll(selection, options);
        break;
    }
  }
}

/** What went wrong; null: nothing. */
function failureOf(action: BulkAction, process: ProcessInfo, { receipt, error }: Outcome): Failure | null {
  if (error instanceof PmError && error.reason === "PROCESS_NOT_FOUND" && action === "remove") {
    return null;
  }
  if (error !== undefined) {
    return { process, reason: errorText(error), connection: isConnectionError(error) };
  }
  if (receipt?.outcome !== "survived") {
    return null;
  }
  const pids = receipt.survivors.map(({ pid }) => pid).join(", ");
  const reason = `it did not end${action === "stop" ? ", X kills it" : ""}${pids ? ` (pids ${pids})` : ""}`;
  return { process, reason, connection: false };
}

/** Does it to all of them and says how it went; `onProgress` is told meanwhile how many are done. */
export async function act(
  manager: ProcessManager,
  action: BulkAction,
  targets: readonly ProcessInfo[],
  onProgress: (done: number) => void,
): Promise<Action> {
  const ids = targets.map(({ id }) => id);
  const [only] = ids;
  const outcomes = new Map<string, Outcome>();
  // Whoever is not in the response was removed meanwhile: to be removed is what was wanted of it.
  let rest: unknown = action === "remove" ? undefined : new Error("it was removed meanwhile");
  const progress = ids.length > 1 ? setInterval(() => onProgress(outcomes.size), PROGRESS_MS) : undefined;
  try {
    if (ids.length === 1 && only !== undefined) {
      outcomes.set(only, await actOn(manager, action, only));
    } else {
      for await (const outcome of actOnAll(manager, action, ids)) {
        outcomes.set(outcome.id, outcome);
      }
    }
  } catch (error) {
    rest = error;
  } finally {
    clearInterval(progress);
  }
  const failures = targets
    .map((process) => failureOf(action, process, outcomes.get(process.id) ?? { id: process.id, error: rest }))
    .filter((failure) => failure !== null);
  return { type: "action-result", action, targets, failures, now: Date.now() };
}
