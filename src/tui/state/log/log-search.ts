import { following, type LogState, setPattern } from "./log.ts";
import { filteredIndex } from "./log-filter.ts";
import { type LogPattern, matches } from "./log-pattern.ts";
import { bringIntoView, type LogSize } from "./log-scroll.ts";
import { type LogUpdate, onlyLog, type SearchDirection } from "./log-update.ts";

/** What a search says when it has gone on at the other end. */
const WRAPPED: Record<SearchDirection, string> = {
  forwards: "The search continued at the oldest output",
  backwards: "The search continued at the newest output",
};

/** Begins to look for a pattern: for the newest match when the end is followed, else for the first from the top of the pane on. */
export function beginSearch(log: LogState, pattern: LogPattern, size: LogSize): LogUpdate {
  const direction = following(log) ? "backwards" : "forwards";
  const begun = pattern.text === log.pattern?.text ? { ...log, match: null } : setPattern(log, pattern);
  return search({ ...begun, direction }, direction, size);
}

/** Goes on the way that the search began, or the other way. */
export function searchOn(log: LogState, turned: boolean, size: LogSize): LogUpdate {
  const other = log.direction === "forwards" ? "backwards" : "forwards";
  return search(log, turned ? other : log.direction, size);
}

/** Looks for the next match, on the screen or far from it; at the end it goes on at the other one. */
function search(log: LogState, direction: SearchDirection, size: LogSize): LogUpdate {
  if (!log.target || log.searching) {
    return onlyLog(log);
  }
  if (!log.pattern) {
    const text = "Nothing to search for yet: press /";
    return { ...onlyLog(log), notice: { level: "info", text } };
  }
  if (log.filtered) {
    return searchFiltered(log, direction, size);
  }
  // From the match before, else from what is on the screen: the newest first.
  const end = log.opened ? Math.max(log.window.to, log.next) : Number.MAX_SAFE_INTEGER;
  const from = log.match ?? (log.top === null ? (direction === "forwards" && !log.opened ? 0 : end) : log.top.offset);
  return {
    log: { ...log, searching: true },
    effects: [{ type: "search", from, direction, inclusive: log.match === null }],
    notice: null,
    focuses: true,
  };
}

/** The search is over: at a line, wherever it is. */
export function searchFound(log: LogState, offset: number, wrapped: SearchDirection | null, size: LogSize): LogUpdate {
  return {
    log: { ...bringIntoView(log, offset, size), match: offset, searching: false },
    effects: [],
    notice: wrapped && { level: "info", text: WRAPPED[wrapped] },
    focuses: true,
  };
}

/** Nothing fits, anywhere. */
export function searchFailed(log: LogState): LogUpdate {
  const text = `No line matches ${log.pattern?.text ?? ""}`;
  return { ...onlyLog({ ...log, searching: false }), notice: { level: "error", text } };
}

/** Among the lines that the filter lets through: they are all at hand. */
function searchFiltered(log: LogState, direction: SearchDirection, size: LogSize): LogUpdate {
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
      return searchFound(log, line.offset, raw === index ? null : direction, size);
    }
  }
  return searchFailed(log);
}
