import type { ProcessManager } from "../../sdk/manager.ts";
import type { Precondition, ProcessInfo, StopReceipt } from "../../sdk/types.ts";
import type { Action, Failure } from "../state/action.ts";
import type { BulkAction } from "../state/overlays/overlay.ts";
import { errorReason, errorText, isConnectionError } from "./errors.ts";

/** How often progress is told, and after how long for the first time. Milliseconds. */
const PROGRESS_MS = 250;
/** Requests that are under way at a time: the daemon has 512 connections for everybody. */
const SIDE_BY_SIDE = 64;
/** Processes that one call can name. */
const MOST_IDS = 1000;
/** A daemon that is gone for longer than this will not be waited for. Milliseconds. */
const RECONNECT_MS = 10_000;

const AT_ONCE = { force: true, graceMs: 0 } as const;

/** What became of one of the processes. */
interface Outcome {
  readonly id: string;
  readonly receipt?: StopReceipt;
  /** The run that the receipt is about. */
  readonly run?: number | undefined;
  readonly error?: unknown;
}

/**
 * What must still be so. The question named the process, by name and id: it is
 * stopped, killed or restarted whatever run it is in by now, for what crashes,
 * or is restarted by somebody else, faster than people press keys could never
 * be stopped otherwise. What is removed is gone with its output, so that is
 * about the run that was seen.
 */
function asAsked(
  action: BulkAction,
  { run, resourceVersion }: ProcessInfo,
): { readonly precondition: Precondition } | Record<string, never> {
  return action === "remove" ? { precondition: run ? { run: run.number } : { resourceVersion } } : {};
}

/** Does it to one process. A stop is waited for only if it `waits`; else its receipt may say that it is pending. */
async function actOn(
  manager: ProcessManager,
  action: BulkAction,
  process: ProcessInfo,
  waits: boolean,
): Promise<Outcome> {
  const { processes } = manager;
  const { id } = process;
  const options = asAsked(action, process);
  switch (action) {
    case "stop":
    case "kill": {
      const how = { ...options, ...(action === "kill" && AT_ONCE), ...(!waits && { wait: false }) };
      const { receipt, process: stopped } = await processes.stop(id, how);
      return { id, receipt, run: stopped.run?.number };
    }
    case "restart":
      await processes.restart(id, options);
      return { id };
    case "remove":
      await processes.remove(id, options);
      return { id };
  }
}

/**
 * Does it to several, side by side; tells what became of each as soon as that
 * is known. Each has a request of its own, for a call that names many takes no
 * precondition.
 */
async function actOnAll(
  manager: ProcessManager,
  action: BulkAction,
  targets: readonly ProcessInfo[],
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  const stopping: Outcome[] = [];
  const left = targets.values();
  const worker = async (): Promise<void> => {
    for (const process of left) {
      const { id } = process;
      const outcome = await actOn(manager, action, process, false).catch((error: unknown) => ({ id, error }));
      if ("receipt" in outcome && outcome.receipt?.outcome === "pending") {
        stopping.push(outcome);
      } else {
        onOutcome(outcome);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, targets.length) }, worker));
  for (let from = 0; from < stopping.length; from += MOST_IDS) {
    await stopsEnd(manager, stopping.slice(from, from + MOST_IDS), onOutcome);
  }
}

/** Waits for the stops of these processes to end, by watching them: a request for each would hold a connection so long. */
async function stopsEnd(
  manager: ProcessManager,
  stopping: readonly Outcome[],
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  const runs = new Map(stopping.map(({ id, run }) => [id, run]));
  const seen = new Set<string>();
  const over = (outcome: Outcome): void => {
    runs.delete(outcome.id);
    onOutcome(outcome);
  };
  const options = { filter: { ids: [...runs.keys()] }, reconnectMs: RECONNECT_MS };
  for await (const event of manager.processes.watch(options)) {
    if (event.type === "reset") {
      seen.clear();
    } else if (event.type === "removed") {
      over({ id: event.id });
    } else if (event.type === "added" || event.type === "modified") {
      const { id, run } = event.process;
      seen.add(id);
      const { stop } = run ?? {};
      if (runs.has(id) && (run?.number !== runs.get(id) || stop?.outcome !== "pending")) {
        // Another run may have begun: then the one that was being stopped is over.
        over({ id, ...(run?.number === runs.get(id) && stop && { receipt: stop }) });
      }
    } else if (event.type === "bookmark") {
      // The list is whole: what is not in it was removed meanwhile.
      for (const id of [...runs.keys()].filter((each) => !seen.has(each))) {
        over({ id });
      }
    }
    if (runs.size === 0) {
      return;
    }
  }
}

/** What went wrong; null: nothing. */
function failureOf(action: BulkAction, process: ProcessInfo, { receipt, error }: Outcome): Failure | null {
  if (errorReason(error) === "PROCESS_NOT_FOUND") {
    // To be removed may be what was wanted of it.
    return action === "remove" ? null : { process, reason: "it was removed meanwhile", connection: false };
  }
  if (error !== undefined) {
    return { process, reason: errorText(error), connection: isConnectionError(error) };
  }
  if (receipt?.outcome !== "survived") {
    return null;
  }
  const pids = receipt.survivors.map(({ pid }) => pid).join(", ");
  const reason = `it did not stop${action === "stop" ? "; X kills it" : ""}${pids ? ` (pids ${pids})` : ""}`;
  return { process, reason, connection: false };
}

/** Does it to all of them and says how it went; `onProgress` is told meanwhile how many are done. */
export async function act(
  manager: ProcessManager,
  action: BulkAction,
  targets: readonly ProcessInfo[],
  onProgress: (done: number) => void,
): Promise<Action> {
  const [only, ...others] = targets;
  const outcomes = new Map<string, Outcome>();
  let rest: unknown;
  const progress = targets.length > 1 ? setInterval(() => onProgress(outcomes.size), PROGRESS_MS) : undefined;
  try {
    if (only && others.length === 0) {
      outcomes.set(only.id, await actOn(manager, action, only, true));
    } else {
      await actOnAll(manager, action, targets, (outcome) => outcomes.set(outcome.id, outcome));
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
