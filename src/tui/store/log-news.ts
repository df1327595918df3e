import { type Action, only, type Update } from "./action.ts";
import { computeLayout } from "./layout.ts";
import { appendLive, jumpTo, type LogState, mergeRead, mergeScan, scrollLog } from "./log.ts";
import type { DashboardState } from "./state.ts";
import { addToast } from "./toasts.ts";

/** Output has come: live, read from history, or found. */
export function logNews(state: DashboardState, action: Extract<Action, { type: `log-${string}` }>): Update {
  switch (action.type) {
    case "log-opened":
      return only(
        sameTarget(state, action.target)
          ? {
              ...state,
              log: { ...state.log, opened: true, first: action.output.firstOffset, next: action.output.nextOffset },
            }
          : state,
      );
    case "log-live":
      return only({
        ...state,
        log: { ...appendLive(state.log, action.more, action.complete), skimming: action.skimming },
      });
    case "log-read":
      return only({ ...state, log: mergeRead(state.log, action.read, action.output) });
    case "log-jump":
      return only({ ...state, log: jumpTo(state.log, action.read, action.output, action.position) });
    case "log-scanned":
      return only({ ...state, log: mergeScan(state.log, action.read, action.output) });
    case "log-found": {
      const log = jumpTo(state.log, action.read, action.output, { offset: action.offset, row: 0 });
      const { logRows, logColumns } = computeLayout(state);
      // Some lines above it, so that it can be read in its place.
      const placed = scrollLog(log, -Math.floor(logRows / 3), logRows, logColumns);
      return only({ ...state, log: { ...placed, match: action.offset, searching: false } });
    }
    case "log-not-found": {
      const text =
        action.direction === "forwards" ? "No match towards the end of the output" : "No match towards its beginning";
      return only(addToast({ ...state, log: { ...state.log, searching: false } }, "info", text, action.now));
    }
  }
}

function sameTarget(state: DashboardState, target: LogState["target"]): boolean {
  return state.log.target?.id === target?.id && state.log.target?.run === target?.run;
}
