import { only, type Update } from "../action.ts";
import { computeLayout } from "../layout.ts";
import type { DashboardState } from "../state.ts";
import { addToast } from "../toasts/toasts.ts";
import { following, type LogState } from "./log.ts";
import { filteredIndex } from "./log-filter.ts";
import { matches } from "./log-pattern.ts";
import { bringIntoView } from "./log-scroll.ts";

export type SearchDirection = "forwards" | "backwards";

/** What a search says when it has gone on at the other end. */
const WRAPPED: Record<SearchDirection, string> = {
  forwards: "The search went on at the oldest output",
  backwards: "The search went on at the newest output",
};

/** Looks for the next match, on the screen or far from it; at the end it goes on at the other one. */
export function search(state: DashboardState, direction: SearchDirection): Update {
  const { log } = state;
  if (!log.target || log.searching) {
    return only(state);
  }
  if (!log.pattern) {
    return only(addToast(state, "info", "There is nothing to search for yet: / asks for it", state.now));
  }
  if (log.filtered) {
    return only(searchFiltered(state, direction));
  }
  // From the match before, else from what is on the screen: the newest first.
  const from = log.match ?? (log.top === null ? Math.max(log.window.to, log.next) : log.top.offset);
  return {
    state: { ...state, focus: "log", log: { ...log, searching: true } },
    effects: [{ type: "search", from, direction, inclusive: log.match === null }],
  };
}

/** The search is over: at a line, wherever it is. */
export function searchFound(
  state: DashboardState,
  log: LogState,
  offset: number,
  wrapped: SearchDirection | null,
): DashboardState {
  const placed = bringIntoView(log, offset, computeLayout(state).logSize);
  const next: DashboardState = {
    ...state,
    focus: "log",
    log: { ...placed, match: offset, searching: false },
  };
  return wrapped ? addToast(next, "info", WRAPPED[wrapped], state.now) : next;
}

/** Nothing fits, anywhere. */
export function searchFailed(state: DashboardState): DashboardState {
  const text = `No line fits ${state.log.pattern?.text ?? ""}`;
  return addToast({ ...state, log: { ...state.log, searching: false } }, "error", text, state.now);
}

/** Among the lines that the filter lets through: they are all at hand. */
function searchFiltered(state: DashboardState, direction: SearchDirection): DashboardState {
  const { log } = state;
  const { filtered, pattern } = log;
  const lines = filtered?.lines ?? [];
  const count = lines.length;
  const step = direction === "forwards" ? 1 : -1;
  const place = log.match ?? (following(log) ? Number.POSITIVE_INFINITY : (log.top?.offset ?? 0));
  const at = filteredIndex(lines, place);
  // Without a match to go on from, the line on top is the first to look at.
  const begin =
    log.match === null && direction === "forwards"
      ? at
      : at + (lines[at]?.line.offset === place ? step : direction === "forwards" ? 0 : -1);
  for (let i = 0; i < count; i++) {
    const raw = begin + i * step;
    const index = ((raw % count) + count) % count;
    const line = lines[index]?.line;
    if (line && pattern && matches(pattern, line)) {
      return searchFound(state, log, line.offset, raw === index ? null : direction);
    }
  }
  return searchFailed(state);
}
