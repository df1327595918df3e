import type { StartOptions } from "../../../sdk/types.ts";
import type { InputEvent } from "../../terminal/input.ts";
import { type Action, only, type Update } from "../action.ts";
import { computeLayout } from "../layout.ts";
import { processLabel } from "../selection.ts";
import {
  type DashboardState,
  type Overlay,
  START_FIELDS,
  START_INPUTS,
  type StartField,
  type StartTextField,
} from "../state.ts";
import { selectId } from "../table/table.ts";
import { applyWatchEvents } from "../table/table-events.ts";
import { addToast, remember } from "../toasts/toasts.ts";
import { scrolled } from "./pager.ts";
import { shellSplit } from "./shell-split.ts";
import { startLayout } from "./start-layout.ts";
import { editText, insertText, type TextField, textField } from "./text-field.ts";

type StartForm = Extract<Overlay, { kind: "start" }>;

/** What Linux takes for one argument (MAX_ARG_STRLEN, execve(2)), in bytes. */
const LIMIT = 128 << 10;

/** Fields whose quotes may hold line breaks: a script, a key. */
const WITH_BREAKS: ReadonlySet<StartField> = new Set(["command", "env"]);

/** The form, empty but for the directory, where the daemon's directories are those of this machine. */
export function startForm({ connection, directory }: DashboardState): StartForm {
  const fields: Record<StartTextField, TextField> = {
    command: textField(),
    cwd: textField(connection.endpoint.startsWith("unix:") ? directory : ""),
    env: textField(),
    name: textField(),
    labels: textField(),
  };
  return { kind: "start", fields, input: "none", focus: "command", error: "", scroll: 0, waiting: null };
}

/** A key or a paste for the form. */
export function startInput(state: DashboardState, overlay: StartForm, event: InputEvent): Update {
  const key = event.type === "key" ? event.key : "";
  const become = (change: Partial<StartForm>): Update => only({ ...state, overlay: { ...overlay, ...change } });
  switch (key) {
    case "tab":
    case "down":
      return become({ focus: neighbor(START_FIELDS, overlay.focus, 1) });
    case "shift+tab":
    case "up":
      return become({ focus: neighbor(START_FIELDS, overlay.focus, -1) });
    case "enter":
      return submit(state, overlay);
    case "pageup":
    case "pagedown": {
      const { error, errorRows } = startLayout(overlay, computeLayout(state).body);
      return become({ scroll: scrolled(key, overlay.scroll, error.length, errorRows) ?? 0 });
    }
  }
  if (overlay.focus === "input") {
    const by = key === "left" ? -1 : key === "right" || key === "space" ? 1 : 0;
    return by === 0 ? only(state) : become({ input: neighbor(START_INPUTS, overlay.input, by) });
  }
  const before = overlay.fields[overlay.focus];
  const rules = { limit: Number.POSITIVE_INFINITY, breaks: WITH_BREAKS.has(overlay.focus) };
  const field = event.type === "paste" ? insertText(before, event.text, rules) : editText(before, key, rules);
  if (!field) {
    return only(state);
  }
  const bytes = Buffer.byteLength(field.text);
  // What has been cut would be started all the same, as something else.
  return bytes > LIMIT && field.text.length > before.text.length
    ? become({ error: tooLong(bytes), scroll: 0 })
    : become({ error: "", fields: { ...overlay.fields, [overlay.focus]: field } });
}

function neighbor<T>(values: readonly T[], value: T, by: number): T {
  return values[(values.indexOf(value) + by + values.length) % values.length] ?? value;
}

function tooLong(bytes: number): string {
  const size = bytes < 1 << 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
  return `That is too long: a field holds at most ${LIMIT / 1024} KiB, with it there would be ${size}. Nothing was inserted`;
}

function submit(state: DashboardState, overlay: StartForm): Update {
  if (overlay.waiting !== null) {
    return only(state);
  }
  const options = startOptions(overlay, state);
  if (typeof options === "string") {
    return only({ ...state, overlay: { ...overlay, error: options, scroll: 0 } });
  }
  const submission = state.submissions + 1;
  return {
    state: { ...state, submissions: submission, overlay: { ...overlay, error: "", scroll: 0, waiting: submission } },
    effects: [{ type: "start", options, submission }],
  };
}

/** What came of it. The form may have been left before the answer came, and another one opened. */
export function startResult(
  state: DashboardState,
  action: Extract<Action, { type: "started" | "start-failed" }>,
): Update {
  const { overlay } = state;
  const form = overlay?.kind === "start" && overlay.waiting === action.submission ? overlay : null;
  switch (action.type) {
    case "started": {
      const { id } = action.process;
      // The watch may have been faster, and know more.
      const table = state.table.processes.has(id)
        ? state.table
        : applyWatchEvents(state.table, [{ type: "added", process: action.process }]);
      return only(
        addToast(
          { ...state, overlay: form ? null : overlay, table: selectId(table, id) },
          "info",
          `Started ${processLabel(action.process)}`,
          action.now,
        ),
      );
    }
    case "start-failed":
      return only(
        form
          ? {
              ...remember(state, "error", notStarted(action.error), state.now),
              overlay: { ...form, error: action.error, scroll: 0, waiting: null },
            }
          : addToast(state, "error", notStarted(action.error), state.now),
      );
  }
}

function notStarted(error: string): string {
  return `Not started: ${error}`;
}

/** What the form says, or what is wrong with it. */
function startOptions({ fields, input }: StartForm, { rows, columns }: DashboardState): StartOptions | string {
  const words = shellSplit(fields.command.text);
  const [executable, ...args] = words ?? [];
  if (!words) {
    return "A quote in the command is left open";
  }
  if (!executable) {
    return "A command is needed";
  }
  const env = pairs(fields.env.text);
  if (!env) {
    return "The environment is written as NAME=VALUE, separated by blanks";
  }
  const labels = pairs(fields.labels.text);
  if (!labels) {
    return "Labels are written as key=value, separated by blanks";
  }
  const cwd = fields.cwd.text.trim();
  if (cwd !== "" && !cwd.startsWith("/")) {
    return "The working directory must be an absolute path";
  }
  const name = fields.name.text.trim();
  return {
    executable,
    args,
    ...(env.length > 0 && { env: Object.fromEntries(env) }),
    ...(cwd !== "" && { cwd }),
    ...(name !== "" && { name }),
    ...(labels.length > 0 && { labels: Object.fromEntries(labels) }),
    ...(input === "lines" && { stdin: "pipe" as const }),
    ...(input === "terminal" && { terminal: { rows, columns } }),
  };
}

/** Words of the form k=v; null if they are not. */
function pairs(text: string): readonly (readonly [key: string, value: string])[] | null {
  const words = shellSplit(text);
  return words?.every((word) => /^[^=]+=/.test(word))
    ? words.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)])
    : null;
}
