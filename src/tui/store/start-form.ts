import type { StartOptions } from "../../sdk/types.ts";
import type { InputEvent } from "../terminal/input.ts";
import { type Action, only, type Update } from "./action.ts";
import { processLabel } from "./selection.ts";
import { type DashboardState, type Overlay, START_FIELDS, type StartField } from "./state.ts";
import { applyWatchEvents, selectId } from "./table.ts";
import { editText, insertText, textField } from "./text-field.ts";
import { addToast } from "./toasts.ts";
import { splitWords } from "./words.ts";

type StartForm = Extract<Overlay, { kind: "start" }>;

/** The form, empty. */
export function startForm(): StartForm {
  const fields: Record<StartField, ReturnType<typeof textField>> = {
    command: textField(),
    cwd: textField(),
    env: textField(),
    name: textField(),
  };
  return { kind: "start", fields, focus: "command", error: "" };
}

/** A key or a paste for the form. */
export function startInput(state: DashboardState, overlay: StartForm, event: InputEvent): Update {
  const key = event.type === "key" ? event.key : "";
  if (key === "tab" || key === "down" || key === "shift+tab" || key === "up") {
    const by = key === "tab" || key === "down" ? 1 : START_FIELDS.length - 1;
    const focus = START_FIELDS[(START_FIELDS.indexOf(overlay.focus) + by) % START_FIELDS.length] ?? "command";
    return only({ ...state, overlay: { ...overlay, focus } });
  }
  if (key === "enter") {
    const options = startOptions(overlay.fields);
    return typeof options === "string"
      ? only({ ...state, overlay: { ...overlay, error: options } })
      : { state: { ...state, overlay: { ...overlay, error: "" } }, effects: [{ type: "start", options }] };
  }
  const before = overlay.fields[overlay.focus];
  const field = event.type === "paste" ? insertText(before, event.text) : editText(before, key);
  return only(
    field
      ? { ...state, overlay: { ...overlay, error: "", fields: { ...overlay.fields, [overlay.focus]: field } } }
      : state,
  );
}

/** What came of it. */
export function startResult(
  state: DashboardState,
  action: Extract<Action, { type: "started" | "start-failed" }>,
): Update {
  switch (action.type) {
    case "started": {
      const closed = state.overlay?.kind === "start" ? { ...state, overlay: null } : state;
      const table = applyWatchEvents(closed.table, [{ type: "added", process: action.process }]);
      return only(
        addToast(
          { ...closed, table: selectId(table, action.process.id) },
          "info",
          `Started ${processLabel(action.process)}`,
          action.now,
        ),
      );
    }
    case "start-failed":
      return only(
        state.overlay?.kind === "start" ? { ...state, overlay: { ...state.overlay, error: action.error } } : state,
      );
  }
}

/** What the form says, or what is wrong with it. */
function startOptions(fields: StartForm["fields"]): StartOptions | string {
  const words = splitWords(fields.command.text);
  const [executable, ...args] = words ?? [];
  if (!words) {
    return "A quote in the command is left open";
  }
  if (!executable) {
    return "A command is needed";
  }
  const pairs = splitWords(fields.env.text);
  if (!pairs?.every((pair) => /^[^=]+=/.test(pair))) {
    return "The environment is written as NAME=VALUE, separated by blanks";
  }
  const cwd = fields.cwd.text.trim();
  if (cwd !== "" && !cwd.startsWith("/")) {
    return "The working directory must be an absolute path";
  }
  const name = fields.name.text.trim();
  return {
    executable,
    args,
    ...(pairs.length > 0 && {
      env: Object.fromEntries(
        pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
      ),
    }),
    ...(cwd !== "" && { cwd }),
    ...(name !== "" && { name }),
  };
}
