import type { Action, Failure } from "./action.ts";
import { notify } from "./notify.ts";
import type { BulkAction } from "./overlays/overlay.ts";
import type { DashboardState } from "./state.ts";
import { endOwn } from "./table/own-actions.ts";
import { processLabel } from "./table/selection.ts";
import type { Notice } from "./toasts/toasts.ts";

const DONE: Record<BulkAction, string> = {
  stop: "stopped",
  kill: "killed",
  restart: "restarted",
  remove: "removed",
};

/** What the progress of an action and how it went have in common. */
function keyOf(action: BulkAction): string {
  return `action ${action}`;
}

const UNDER_WAY: Record<BulkAction, string> = {
  stop: "Stopping",
  kill: "Killing",
  restart: "Restarting",
  remove: "Removing",
};

/** "Stopping: 312 of 846" */
export function progressText({ action, done, total }: Extract<Action, { type: "action-progress" }>): Notice {
  return { level: "info", key: keyOf(action), text: `${UNDER_WAY[action]}: ${done} of ${total}` };
}

/** How an action went: the marks of those that it was done to go, the others can be tried again. */
export function actionResult(
  state: DashboardState,
  action: Extract<Action, { type: "action-result" }>,
): DashboardState {
  const failed = new Set(action.failures.map(({ process }) => process.id));
  const done = new Set(action.targets.map(({ id }) => id).filter((id) => !failed.has(id)));
  const { table } = state;
  const marks = [...table.marks].some((id) => done.has(id))
    ? new Set([...table.marks].filter((id) => !done.has(id)))
    : table.marks;
  const connection = failed.size > 0 && action.failures.every((failure) => failure.connection);
  return notify(
    {
      ...state,
      table: { ...table, marks },
      ownActions: endOwn(state.ownActions, action.targets, action.now),
    },
    {
      key: keyOf(action.action),
      level: failed.size > 0 ? "error" : "info",
      text: outcome(action),
      ...(connection && { about: "connection" as const }),
    },
    action.now,
  );
}

/** "Stopped api", "Stopped 7 processes", "5 of 7 stopped. Not stopped: why: api; why: job, web" */
function outcome({ action, targets, failures }: Extract<Action, { type: "action-result" }>): string {
  const done = DONE[action];
  const count = targets.length;
  if (failures.length === 0) {
    const [first] = targets;
    return `${done[0]?.toUpperCase()}${done.slice(1)} ${count === 1 && first ? processLabel(first) : `${count} processes`}`;
  }
  const head = count > 1 ? `${count - failures.length} of ${count} ${done}. ` : "";
  return `${head}Not ${done}: ${reasons(failures)}`;
}

/** Each reason once, before those that it kept. */
function reasons(failures: readonly Failure[]): string {
  const labels = new Map<string, string[]>();
  for (const { reason, process } of failures) {
    labels.set(reason, [...(labels.get(reason) ?? []), processLabel(process)]);
  }
  return [...labels].map(([reason, those]) => `${reason}: ${those.join(", ")}`).join("; ");
}
