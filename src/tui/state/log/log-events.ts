import { type Action, only, type Update } from "../action.ts";
import type { DashboardState } from "../state.ts";
import { appendLive, isShown, jumpTo, mergeRead, mergeScan } from "./log.ts";
import { searchFailed, searchFound } from "./log-search.ts";
import { withEvicted } from "./log-window.ts";

type LogNews = Extract<Action, { type: `log-${string}` }>;

/** Output has come: live, read from history, or found. All but what is live is known to be of what is on view. */
export function logEvent(before: DashboardState, action: LogNews): Update {
  const update = take(before, action);
  const { log } = update.state;
  const window = withEvicted(log.window, log.first);
  return window === log.window ? update : { ...update, state: { ...update.state, log: { ...log, window } } };
}

function take(state: DashboardState, action: LogNews): Update {
  const { log } = state;
  switch (action.type) {
    case "log-opened":
      return only({
        ...state,
        log: { ...log, opened: true, first: action.output.firstOffset, next: action.output.nextOffset },
      });
    case "log-gone":
      return only({ ...state, log: { ...log, opened: true, gone: true, complete: true } });
    case "log-live":
      return only(
        isShown(log, action.view)
          ? { ...state, log: { ...appendLive(log, action.more, action.complete), skimming: action.skimming } }
          : state,
      );
    case "log-read":
      return only({ ...state, log: mergeRead(log, action.read, action.output) });
    case "log-jump":
      return only({ ...state, log: jumpTo(log, action.read, action.output, action.position) });
    case "log-scanned":
      return only({ ...state, log: mergeScan(log, action.read, action.output) });
    case "log-found":
      return only(
        searchFound(state, action.read ? { ...log, window: action.read } : log, action.offset, action.wrapped),
      );
    case "log-not-found":
      return only(searchFailed(state));
  }
}
