import type { Command } from "../keys/keymap.ts";
import { only, type Update } from "./action.ts";
import { computeLayout } from "./layout.ts";
import { following, openLog, pause, resume, setLogFilter } from "./log.ts";
import type { DashboardState } from "./state.ts";
import { textField } from "./text-field.ts";

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
      const { logRows, logColumns } = computeLayout(state);
      return only({ ...state, log: pause(log, logRows, logColumns) });
    }
    case "wrap":
      return only({ ...state, log: { ...log, wrap: !log.wrap, column: 0, top: log.top && { ...log.top, row: 0 } } });
    case "timestamps":
      return only({ ...state, log: { ...log, timestamps: !log.timestamps } });
    case "streams": {
      const streams = log.streams === "all" ? "stdout" : log.streams === "stdout" ? "stderr" : "all";
      return only({ ...state, log: openLog({ ...log, streams }, log.target) });
    }
  }
}

/** To the newest output, and after it. */
export function toEnd(state: DashboardState): Update {
  const { log } = state;
  return log.filtered || log.window.to >= log.next
    ? only({ ...state, log: resume(log) })
    : { state, effects: [{ type: "read-end" }] };
}

/** Looks for the next match, on the screen or far from it. */
export function search(state: DashboardState, direction: "forwards" | "backwards"): Update {
  const { log } = state;
  if (!log.pattern || !log.target || log.searching) {
    return only(state);
  }
  // From the match before, else from what is on the screen: the newest first.
  const from = log.match ?? (direction === "backwards" || log.top === null ? log.window.to : log.top.offset);
  return {
    state: { ...state, focus: "log", log: { ...log, searching: true, filtered: null } },
    effects: [{ type: "search", from, direction }],
  };
}
