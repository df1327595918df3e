import { commandOf } from "../keys/keymap.ts";
import type { InputEvent } from "../terminal/input.ts";
import { type Action, only, type Update } from "./action.ts";
import { actionResult, progressText } from "./action-result.ts";
import { perform } from "./commands.ts";
import { connectionChanged } from "./connection.ts";
import { tellFailures, withoutSeen } from "./failure-events.ts";
import { footerKeyAt } from "./footer.ts";
import { computeLayout } from "./layout.ts";
import { openLog } from "./log/log.ts";
import { logEvent } from "./log/log-events.ts";
import { afterLog } from "./log-slice.ts";
import { mouseInput } from "./mouse.ts";
import { notify } from "./notify.ts";
import { overlayContext } from "./overlay-context.ts";
import type { OverlayUpdate } from "./overlays/overlay.ts";
import { overlayInput } from "./overlays/overlay-input.ts";
import { rememberTyped } from "./overlays/prompt-history.ts";
import { applyProcessEvents, applySample, detailsToRead } from "./process-events.ts";
import { promptInput } from "./prompt.ts";
import { startResult } from "./start-result.ts";
import type { DashboardState } from "./state.ts";
import { beginOwn } from "./table/own-actions.ts";
import { selectedProcess } from "./table/selection.ts";
import { isExactMatch, scrollIntoView, setSort } from "./table/table.ts";
import { dismissToasts, expireToasts, showProgress } from "./toasts/toasts.ts";

/** The next state, and what is to be done. Pure: the same state and action give the same answer. */
export function update(state: DashboardState, action: Action): Update {
  const { state: next, effects } = step(state, action);
  return { state: next === state ? state : settle(state, noteCursor(state, next, action)), effects };
}

/** Remembers when the cursor came to another process without being sent there. */
function noteCursor(before: DashboardState, after: DashboardState, action: Action): DashboardState {
  const named = action.type === "input" && before.prompt?.kind === "filter" && isExactMatch(after.table);
  // The first list is looked at before anything is done to it, unless keys were typed ahead.
  const isFirst = !before.table.loaded;
  return isFirst || (before.table.selected === after.table.selected && !named)
    ? after
    : { ...after, cursorMovedAt: isAimed(before, after, action) ? Number.NEGATIVE_INFINITY : after.now };
}

/** Whether whoever pressed the key knew which process the cursor would be on. */
function isAimed(before: DashboardState, after: DashboardState, action: Action): boolean {
  if (action.type === "started") {
    // Whoever is typing a filter looks for something else.
    return !before.prompt;
  }
  if (action.type !== "input" || action.ahead || before.overlay) {
    return false;
  }
  // A filter chooses by itself, unless it says the name.
  return !before.prompt || before.table.filter === after.table.filter || isExactMatch(after.table);
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
  }
  const unseen = withoutSeen(next.unseen, next.table);
  return settleLog(unseen === next.unseen ? next : { ...next, unseen });
}

/** The log shows the selected process's current run, or the previous one. */
function settleLog(state: DashboardState): DashboardState {
  const { log, table } = state;
  const selected = selectedProcess(state.table);
  if (!selected) {
    return log.target === null || !table.loaded ? state : { ...state, log: openLog(log, null) };
  }
  const { id } = selected;
  const run = selected.run?.number;
  const shown = log.target;
  if (run === undefined) {
    return shown === null ? state : { ...state, log: openLog(log, null) };
  }
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
      return input(action.ahead ? { ...state, cursorMovedAt: state.now } : state, action.event);
    case "resize":
      return only({ ...state, columns: action.columns, rows: action.rows });
    case "tick":
      return only({
        ...state,
        toasts: expireToasts(state.toasts, action.now, action.now - state.now, toastsWait(state)),
        now: action.now,
      });
    case "watch": {
      const { state: next, effects } = tellFailures(
        state,
        applyProcessEvents(state, action.events, action.now),
        action.events,
      );
      const id = detailsToRead(state, next);
      return { state: next, effects: id === null ? effects : [...effects, { type: "read-details", id }] };
    }
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
      return afterLog(state, logEvent(state.log, action, computeLayout(state).logSize));
    case "details":
      return only(
        state.overlay?.kind === "details" && state.overlay.id === action.process.id
          ? {
              ...state,
              overlay: {
                ...state.overlay,
                full: action.process,
                schedule: action.schedule,
                queue: action.queue,
              },
            }
          : state,
      );
    case "action-progress":
      return only({ ...state, toasts: showProgress(state.toasts, progressText(action)) });
    case "action-result":
      return only(actionResult(state, action));
    case "started":
    case "start-failed":
      return only(startResult(state, action));
    case "toast":
      return only(notify(state, action.notice, action.now));
  }
}

function input(before: DashboardState, event: InputEvent): Update {
  if (event.type === "mouse") {
    const { footer } = computeLayout(before);
    const pressed =
      event.button === "left" && footer.height > 0 && event.y === footer.y && !before.prompt
        ? footerKeyAt(before, event.x)
        : null;
    return pressed === null ? mouseInput(before, event) : input(before, { type: "key", key: pressed });
  }
  // Esc takes messages away along with what it goes back from: one press is enough for both.
  const state =
    event.type === "key" && event.key === "escape" && !toastsWait(before)
      ? { ...before, toasts: dismissToasts(before.toasts) }
      : before;
  if (state.overlay) {
    return afterOverlay(state, overlayInput(state.overlay, event, overlayContext(state)));
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

/** What an effect that is about to be carried out leaves in the state. */
function begin(state: DashboardState, effect: OverlayUpdate["effects"][number]): DashboardState {
  switch (effect.type) {
    case "start": {
      const form = state.overlay?.kind === "start" ? state.overlay.fields.command.text : "";
      const command = rememberTyped(state.typed.command, form);
      return { ...state, submissions: state.submissions + 1, typed: { ...state.typed, command } };
    }
    case "act":
      return { ...state, ownActions: beginOwn(state.ownActions, effect.targets) };
    case "attach":
      return state;
  }
}

/** Takes over what became of the overlay, and carries out what was chosen in it. */
function afterOverlay(before: DashboardState, { overlay, effects, choice }: OverlayUpdate): Update {
  const state = effects.reduce(begin, { ...before, overlay });
  switch (choice?.kind) {
    case undefined:
      return { state, effects };
    case "command":
      return perform(state, choice.command);
    case "sort":
      return only({ ...state, table: setSort(state.table, choice.key, false) });
    case "context":
      return { state, effects: [{ type: "switch-context", name: choice.name }] };
    case "theme":
      return only({ ...state, theme: choice.name });
    case "column": {
      const { hiddenColumns: hidden } = state;
      return only({
        ...state,
        hiddenColumns: hidden.includes(choice.key)
          ? hidden.filter((key) => key !== choice.key)
          : [...hidden, choice.key],
      });
    }
    case "alert":
      return only({ ...state, alert: choice.name });
    case "layout":
      return only({ ...state, beside: { auto: null, beside: true, below: false }[choice.name] });
  }
}

/** Whether there is no room for them beside what lies over the panes. */
function toastsWait(state: DashboardState): boolean {
  return state.overlay !== null && state.toasts.shown.length > 0 && computeLayout(state).toasts === null;
}
