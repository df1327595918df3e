import type { Command } from "../keys/keymap.ts";
import { nextThemeName } from "../themes/themes.ts";
import { only, type Update } from "./action.ts";
import { goToFailure } from "./failure-events.ts";
import { computeLayout } from "./layout.ts";
import { logCommand } from "./log/log-commands.ts";
import { afterLog } from "./log-slice.ts";
import { go } from "./move.ts";
import { notify } from "./notify.ts";
import { confirmation } from "./overlays/confirm.ts";
import type { ConfirmedAction } from "./overlays/overlay.ts";
import { startForm } from "./overlays/start-form.ts";
import { textField } from "./overlays/text-field.ts";
import { openPrompt } from "./prompt.ts";
import type { DashboardState } from "./state.ts";
import { chosenProcesses, selectedProcess } from "./table/selection.ts";
import { nextSort, setSort, toggleAllMarks, toggleMark } from "./table/table.ts";

/** How long it takes to see that the cursor is somewhere else. The clock ticks once a second. Milliseconds. */
const UNSEEN_MS = 2000;

/** There is nothing to do it to: says why. */
function nothing(state: DashboardState): Update {
  const { table, connection } = state;
  const text =
    table.processes.size > 0
      ? "No process is selected: Esc clears the filter"
      : connection.phase === "connected" && table.loaded
        ? "There is no process yet: s starts one"
        : "No process is selected";
  return only(notify(state, { level: "error", text }));
}

/** Asks before something is ended or lost; says so where there is nothing to ask. */
function askFirst(state: DashboardState, action: ConfirmedAction): Update {
  const chosen = chosenProcesses(state.table);
  if (chosen.length === 0) {
    return nothing(state);
  }
  const asked = confirmation(action, chosen, state.table.order);
  return only(
    typeof asked === "string" ? notify(state, { level: "error", text: asked }) : { ...state, overlay: asked },
  );
}

/** Whether the daemon's directories are those of this machine. */
function isLocal(state: DashboardState): boolean {
  return state.connection.endpoint.startsWith("unix:");
}

/** Carries a command out, whether a key or the palette asked for it. */
export function perform(state: DashboardState, command: Command): Update {
  const { log, table } = state;
  switch (command) {
    case "down":
    case "up":
    case "half-page-down":
    case "half-page-up":
    case "page-down":
    case "page-up":
    case "first":
    case "last":
    case "left":
    case "right":
    case "line-start":
    case "next-pane":
    case "previous-pane":
    case "pane-1":
    case "pane-2":
    case "back":
      return go(state, command);
    case "open":
      return selectedProcess(state.table) ? go(state, command) : nothing(state);
    case "log-filter":
      return only(openPrompt({ ...state, focus: "log" }, "log-filter"));
    case "search-next":
    case "search-previous":
    case "more-context":
    case "less-context":
    case "follow":
    case "wrap":
    case "timestamps":
    case "streams":
    case "previous-run":
    case "next-line":
    case "previous-line":
      return afterLog(
        state,
        logCommand(log, command, computeLayout(state).logSize, selectedProcess(state.table)?.run?.number),
      );
    case "zoom":
      return only({ ...state, zoom: !state.zoom });
    case "layout": {
      const layout = computeLayout(state);
      return only({ ...state, beside: layout.log && layout.table ? layout.log.y !== layout.table.y : state.beside });
    }
    case "search":
      return only(openPrompt(state, state.focus === "table" ? "filter" : "search"));
    case "next-failure":
      return only(goToFailure(state));
    case "start-daemon":
      return state.connection.phase === "connected"
        ? only(notify(state, { level: "info", text: "The daemon is running" }))
        : { state, effects: [{ type: "start-daemon" }] };
    case "start":
      return only({ ...state, overlay: startForm(isLocal(state) ? state.directory : "") });
    case "stop":
    case "kill":
    case "restart":
    case "remove":
      return askFirst(state, command);
    case "attach": {
      const process = selectedProcess(state.table);
      if (!process) {
        return nothing(state);
      }
      const asked = confirmation("attach", [process], table.order);
      return state.now - state.cursorMovedAt < UNSEEN_MS && typeof asked !== "string"
        ? only({ ...state, overlay: asked })
        : { state, effects: [{ type: "attach", process }] };
    }
    case "details": {
      const process = selectedProcess(state.table);
      return process
        ? {
            state: {
              ...state,
              overlay: {
                kind: "details",
                id: process.id,
                scroll: 0,
                reveal: false,
                full: null,
                schedule: null,
                queue: null,
                usage: null,
              },
            },
            effects: [{ type: "read-details", id: process.id }],
          }
        : nothing(state);
    }
    case "sort":
      return only({ ...state, table: nextSort(table) });
    case "sort-reverse":
      return only({ ...state, table: setSort(table, table.sortKey, !table.reversed) });
    case "mark":
      // In the log, which says nothing of marks, as in less.
      return state.focus === "log" ? go(state, "page-down") : only({ ...state, table: toggleMark(table) });
    case "mark-all":
      return only({ ...state, table: toggleAllMarks(table) });
    case "copy-line":
      return selectedProcess(state.table)
        ? { state, effects: [{ type: "copy", what: state.focus === "log" ? "line" : "id" }] }
        : nothing(state);
    case "copy-view":
      return selectedProcess(state.table) ? { state, effects: [{ type: "copy", what: "view" }] } : nothing(state);
    case "theme":
      return only({ ...state, theme: nextThemeName(state.theme) });
    case "messages":
      return only({ ...state, overlay: { kind: "messages", scroll: 0 } });
    case "help":
      return only({ ...state, overlay: { kind: "help", scroll: 0 } });
    case "palette":
      return {
        state: { ...state, overlay: { kind: "palette", field: textField(), index: 0 } },
        effects: [{ type: "read-contexts" }],
      };
    case "redraw":
      return { state, effects: [{ type: "redraw" }] };
    case "suspend":
      return { state, effects: [{ type: "suspend" }] };
    case "quit":
      return { state, effects: [{ type: "quit" }] };
  }
}
