import { commandOf } from "../keys/keymap.ts";
import type { InputEvent } from "../terminal/input.ts";
import { type Action, only, type Update } from "./action.ts";
import { actionResult } from "./action-result.ts";
import { perform } from "./commands.ts";
import { connectionChanged } from "./connection.ts";
import { computeLayout } from "./layout.ts";
import { openLog } from "./log/log.ts";
import { logEvent } from "./log/log-events.ts";
import { mouseInput } from "./mouse.ts";
import { overlayInput } from "./overlays/overlay-input.ts";
import { startResult } from "./overlays/start-form.ts";
import { applyProcessEvents, applySample } from "./process-events.ts";
import { promptInput } from "./prompt.ts";
import { selectedProcess } from "./selection.ts";
import type { DashboardState } from "./state.ts";
import { scrollIntoView } from "./table/table.ts";
import { addToast, expireToasts } from "./toasts/toasts.ts";

/** The next state, and what is to be done. Pure: the same state and action give the same answer. */
export function update(state: DashboardState, action: Action): Update {
  const { state: next, effects } = step(state, action);
  return { state: next === state ? state : settle(state, next), effects };
}

/** What holds in every state: the selection is visible, the log shows its output. */
function settle(before: DashboardState, state: DashboardState): DashboardState {
  let next = state;
  if (
    next.table !== before.table ||
    next.rows !== before.rows ||
    next.columns !== before.columns ||
    next.zoom !== before.zoom ||
    next.focus !== before.focus ||
    next.beside !== before.beside ||
    next.connection !== before.connection
  ) {
    const rows = computeLayout(next).tableRows;
    if (rows > 0) {
      const table = scrollIntoView(next.table, rows);
      next = table === next.table ? next : { ...next, table };
    }
    if (next.history.id !== next.table.selected) {
      next = { ...next, history: { id: next.table.selected, cpu: [], memory: [] } };
    }
  }
  return settleLog(next);
}

/** The log shows the selected process's current run, or the one before it. */
function settleLog(state: DashboardState): DashboardState {
  const { log, table } = state;
  const selected = selectedProcess(state);
  if (!selected) {
    return log.target === null || !table.loaded ? state : { ...state, log: openLog(log, null) };
  }
  const { id, run } = selected;
  const shown = log.target;
  if (shown?.id === id && shown.run === (log.previous ? run - 1 : run)) {
    return state;
  }
  // Another process, or another run of this one, begins with its current output.
  const asked = log.previous && shown?.id === id && shown.run === run;
  const target = { id, run: asked ? run - 1 : run };
  return { ...state, log: { ...openLog(log, target), previous: asked } };
}

function step(state: DashboardState, action: Action): Update {
  switch (action.type) {
    case "input":
      return input(state, action.event);
    case "resize":
      return only({ ...state, columns: action.columns, rows: action.rows });
    case "tick":
      return only({ ...expireToasts(state, action.now, toastsWait(state)), now: action.now });
    case "watch":
      return only(applyProcessEvents(state, action.events, action.now));
    case "usage":
      return only(applySample(state, action));
    case "contexts":
      return only({ ...state, connection: { ...state.connection, contexts: action.names } });
    case "connecting":
    case "connected":
    case "disconnected":
      return connectionChanged(state, action);
    case "log-opened":
    case "log-gone":
    case "log-live":
    case "log-read":
    case "log-jump":
    case "log-scanned":
    case "log-found":
    case "log-not-found":
      return logEvent(state, action);
    case "details":
      return only(
        state.overlay?.kind === "details" && state.overlay.id === action.process.id
          ? { ...state, overlay: { ...state.overlay, full: action.process } }
          : state,
      );
    case "action-result":
      return only(actionResult(state, action));
    case "started":
    case "start-failed":
      return startResult(state, action);
    case "toast":
      return only(addToast(state, action.level, action.text, action.now, action.about));
  }
}

function input(before: DashboardState, event: InputEvent): Update {
  if (event.type === "mouse") {
    return mouseInput(before, event);
  }
  // Esc takes messages away along with what it goes back from: one press is enough for both.
  const state =
    event.type === "key" && event.key === "escape" && before.toasts.length > 0 && !toastsWait(before)
      ? { ...before, toasts: [] }
      : before;
  if (state.overlay) {
    return overlayInput(state, state.overlay, event);
  }
  if (state.prompt) {
    return promptInput(state, state.prompt, event);
  }
  if (event.type === "paste") {
    return only(state);
  }
  const command = commandOf(event.key);
  return command ? perform(state, command) : only(state);
}

/** Whether there is no room for them beside what lies over the panes. */
function toastsWait(state: DashboardState): boolean {
  return state.overlay !== null && state.toasts.length > 0 && computeLayout(state).toasts === null;
}
