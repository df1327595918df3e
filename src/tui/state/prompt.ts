import type { InputEvent } from "../terminal/input.ts";
import { only, type Update } from "./action.ts";
import { computeLayout } from "./layout.ts";
import { setLogFilter, setPattern } from "./log/log.ts";
import { isBrokenPattern, logPattern } from "./log/log-pattern.ts";
import { beginSearch } from "./log/log-search.ts";
import { afterLog } from "./log-slice.ts";
import { offeredField, recall, rememberTyped, typeInto } from "./overlays/prompt-history.ts";
import type { DashboardState, Prompt, PromptKind } from "./state.ts";
import { keepSelection, moveSelection, setFilter } from "./table/table.ts";

/** Begins to type a line; what is in force is offered. */
export function openPrompt(state: DashboardState, kind: PromptKind): DashboardState {
  const { table, log } = state;
  const before =
    kind === "filter" ? table.filter : ((kind === "search" ? log.pattern?.text : log.filtered?.pattern.text) ?? "");
  return { ...state, prompt: { kind, ...offeredField(before), before } };
}

/** A key or a paste for the line at the bottom. */
export function promptInput(
  state: DashboardState,
  prompt: Prompt,
  event: Exclude<InputEvent, { type: "mouse" }>,
): Update {
  const key = event.type === "key" ? event.key : "";
  if (key === "escape" || key === "ctrl+c") {
    return only(applyPrompt({ ...state, prompt: null }, prompt.kind, prompt.before));
  }
  if (key === "enter") {
    return prompt.kind !== "filter" && isBrokenPattern(prompt.field.text) ? only(state) : submit(state, prompt);
  }
  const turns = prompt.kind === "filter" ? [] : [key === "up" ? 1 : key === "down" ? -1 : 0];
  const by = key === "ctrl+p" ? 1 : key === "ctrl+n" ? -1 : (turns[0] ?? 0);
  if (by === 1 || by === -1) {
    const recalled = recall(prompt, state.typed[prompt.kind], by);
    return only(recalled ? typed(state, { ...prompt, ...recalled }) : state);
  }
  if (prompt.kind === "filter" && (key === "down" || key === "up")) {
    return only({ ...state, table: moveSelection(state.table, key === "down" ? 1 : -1) });
  }
  const next = typeInto(prompt, event);
  return only(next ? typed(state, { ...prompt, ...next }) : state);
}

function typed(state: DashboardState, prompt: Prompt): DashboardState {
  return applyPrompt({ ...state, prompt }, prompt.kind, prompt.field.text);
}

function submit(state: DashboardState, { kind, field }: Prompt): Update {
  const history = rememberTyped(state.typed[kind], field.text);
  const closed = { ...state, prompt: null, typed: { ...state.typed, [kind]: history } };
  switch (kind) {
    case "filter":
      // What is selected now was chosen: it stays when the filter goes.
      return only({ ...closed, table: keepSelection(state.table) });
    case "log-filter":
      return only(closed);
    case "search": {
      const pattern = logPattern(field.text);
      return pattern ? afterLog(closed, beginSearch(state.log, pattern, computeLayout(closed).logSize)) : only(closed);
    }
  }
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
