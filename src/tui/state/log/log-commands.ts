import type { Command } from "../../keys/keymap.ts";
import { only, type Update } from "../action.ts";
import { computeLayout } from "../layout.ts";
import { textField } from "../overlays/text-field.ts";
import { selectedProcess } from "../selection.ts";
import type { DashboardState } from "../state.ts";
import { addToast } from "../toasts/toasts.ts";
import { following, type LogState, resume, setLogFilter, setStreams } from "./log.ts";
import { currentLine, visibleRows } from "./log-rows.ts";
import { bringIntoView, type LogSize, lineRows, pause, scrollLog } from "./log-scroll.ts";
import { search } from "./log-search.ts";
import { logLines } from "./log-view.ts";

export type LogCommand = Extract<
  Command,
  | "log-filter"
  | "search-next"
  | "search-previous"
  | "more-context"
  | "less-context"
  | "follow"
  | "wrap"
  | "timestamps"
  | "streams"
  | "previous-run"
  | "next-line"
  | "previous-line"
>;

/** What the log shows of the output, and how. */
export function logCommand(state: DashboardState, command: LogCommand): Update {
  const { log } = state;
  switch (command) {
    case "log-filter": {
      const text = log.filtered?.pattern.text ?? "";
      return only({ ...state, focus: "log", prompt: { kind: "log-filter", field: textField(text), before: text } });
    }
    case "search-next":
      return search(state, "forwards");
    case "search-previous":
      return search(state, "backwards");
    case "more-context":
    case "less-context": {
      if (!log.filtered) {
        return only(state);
      }
      const context = Math.max(0, Math.min(10, log.filtered.context + (command === "more-context" ? 1 : -1)));
      return only(
        context === log.filtered.context ? state : { ...state, log: setLogFilter(log, log.filtered.pattern, context) },
      );
    }
    case "follow": {
      if (!following(log)) {
        return toEnd(state);
      }
      return only({ ...state, log: pause(log, computeLayout(state).logSize) });
    }
    case "wrap":
      return only({ ...state, log: wrap(log, computeLayout(state).logSize) });
    case "timestamps":
      return only({ ...state, log: { ...log, timestamps: !log.timestamps } });
    case "streams": {
      const streams = log.streams === "all" ? "stdout" : log.streams === "stdout" ? "stderr" : "all";
      return only({ ...state, log: setStreams(log, streams) });
    }
    case "next-line":
    case "previous-line":
      return only({
        ...state,
        focus: "log",
        log: point(log, command === "next-line" ? 1 : -1, computeLayout(state).logSize),
      });
    case "previous-run": {
      const run = selectedProcess(state)?.run;
      return only(
        run === 1
          ? addToast(state, "info", "There was no run before this one", state.now)
          : { ...state, log: { ...log, previous: run !== undefined && !log.previous } },
      );
    }
  }
}

/** Points at the line after or before the current one, and pauses. The search goes on from there, too. */
function point(log: LogState, by: 1 | -1, size: LogSize): LogState {
  const visible = visibleRows(log, size);
  const current = currentLine(log, visible);
  const lines = logLines(log);
  const offset = current && (by > 0 ? current.next : lines.before(current.offset));
  const line = offset === undefined || offset === null ? null : lines.at(offset);
  if (!line) {
    return log;
  }
  const paused = pause(log, size);
  const isSeen = visible.some(({ line: { offset: seen } }) => seen === line.offset);
  const scrolled = isSeen ? paused : scrollLog(paused, by * lineRows(log, line, size.columns), size);
  return { ...scrolled, match: line.offset };
}

/** Wraps or not, with the match that the search stands on still in view. */
function wrap(log: LogState, size: LogSize): LogState {
  const next = { ...log, wrap: !log.wrap, column: 0, top: log.top && { ...log.top, row: 0 } };
  const onMatch = log.top !== null && visibleRows(log, size).some(({ line }) => line.offset === log.match);
  return onMatch && log.match !== null ? bringIntoView(next, log.match, size) : next;
}

/** To the newest output, and after it. */
export function toEnd(state: DashboardState): Update {
  const { log } = state;
  return log.filtered || log.window.to >= log.next
    ? only({ ...state, log: resume(log) })
    : { state: { ...state, log: resume(log) }, effects: [{ type: "read-end" }] };
}
