import type { InputEvent } from "../terminal/input.ts";
import { only, type Update } from "./action.ts";
import { computeLayout } from "./layout.ts";
import { setLogFilter, setPattern } from "./log/log.ts";
import { isBrokenPattern, logPattern } from "./log/log-pattern.ts";
import { beginSearch } from "./log/log-search.ts";
import { afterLog } from "./log-slice.ts";
import { editText, insertText } from "./overlays/text-field.ts";
import type { DashboardState, Prompt } from "./state.ts";
import { keepSelection, moveSelection, setFilter } from "./table/table.ts";

/** A key or a paste for the line at the bottom. */
export function promptInput(state: DashboardState, prompt: Prompt, event: InputEvent): Update {
  if (event.type === "key" && (event.key === "escape" || event.key === "ctrl+c")) {
    return only(applyPrompt({ ...state, prompt: null }, prompt.kind, prompt.before));
  }
  if (event.type === "key" && event.key === "enter") {
    if (prompt.kind !== "filter" && isBrokenPattern(prompt.field.text)) {
      return only(state);
    }
    const closed = { ...state, prompt: null };
    if (prompt.kind === "filter") {
      // What is selected now was chosen: it stays when the filter goes.
      return only({ ...closed, table: keepSelection(state.table) });
    }
    if (prompt.kind === "log-filter") {
      return only(closed);
    }
    // Nothing typed: what was searched for before.
    const pattern = logPattern(prompt.field.text || prompt.before);
    return pattern ? afterLog(closed, beginSearch(state.log, pattern, computeLayout(closed).logSize)) : only(closed);
  }
  if (event.type === "key" && prompt.kind === "filter" && (event.key === "down" || event.key === "up")) {
    return only({ ...state, table: moveSelection(state.table, event.key === "down" ? 1 : -1) });
  }
  const field =
    event.type === "paste"
      ? insertText(prompt.field, event.text)
      : event.type === "key"
        ? editText(prompt.field, event.key)
        : null;
  return only(field ? applyPrompt({ ...state, prompt: { ...prompt, field } }, prompt.kind, field.text) : state);
}

/** What is typed takes effect at once; half a regular expression leaves what was. */
function applyPrompt(state: DashboardState, kind: Prompt["kind"], text: string): DashboardState {
  const { log } = state;
  if (kind !== "filter" && isBrokenPattern(text)) {
    return state;
  }
  switch (kind) {
    case "filter":
      return { ...state, table: setFilter(state.table, text) };
    case "search":
      return { ...state, log: setPattern(log, logPattern(text)) };
    case "log-filter":
      return { ...state, log: setLogFilter(log, logPattern(text), log.filtered?.context ?? 0) };
  }
}
