import { type Action, only, type Update } from "./action.ts";
import { appendLive, isShown, jumpTo, learn, mergeRead, mergeScan } from "./log.ts";
import { searchFailed, searchFound } from "./log-search.ts";
import type { DashboardState } from "./state.ts";

/** Output has come: live, read from history, or found. All but what is live is known to be of what is on view. */
export function logNews(state: DashboardState, action: Extract<Action, { type: `log-${string}` }>): Update {
  const { log } = state;
  switch (action.type) {
    case "log-opened":
      return only({
        ...state,
        log: { ...learn(log, action.output), opened: true },
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
