import type { StartOptions } from "../../../sdk/types.ts";
import type { Rect } from "../../terminal/grid.ts";
import type { InputEvent } from "../../terminal/input.ts";
import {
  type OverlayUpdate,
  onlyOverlay,
  START_FIELDS,
  START_INPUTS,
  type StartField,
  type StartForm,
  type StartTextField,
} from "./overlay.ts";
import { scrolled } from "./pager.ts";
import { type History, recall } from "./prompt-history.ts";
import { shellSplit } from "./shell-split.ts";
import { startLayout } from "./start-layout.ts";
import { editText, insertText, type TextField, textField } from "./text-field.ts";

/** What a key for the form may depend on, besides the form. */
export interface StartContext {
  readonly body: Rect;
  /** The terminal that a process may be started on. */
  readonly columns: number;
  readonly rows: number;
  /** Commands that were started before, oldest first. */
  readonly commands: History;
  /** The number that the form gets when it is submitted. */
  readonly submission: number;
}

/** What Linux takes for one argument (MAX_ARG_STRLEN, execve(2)), in bytes. */
const LIMIT = 128 << 10;

/** Fields whose quotes may hold line breaks: a script, a key. */
const WITH_BREAKS: ReadonlySet<StartField> = new Set(["command", "env"]);

/** The form, empty but for the directory; "": it is not known. */
export function startForm(directory: string): StartForm {
  const fields: Record<StartTextField, TextField> = {
    command: textField(),
    cwd: textField(directory),
    env: textField(),
    name: textField(),
    labels: textField(),
  };
  return {
    kind: "start",
    fields,
    input: "none",
    focus: "command",
    error: "",
    scroll: 0,
    waiting: null,
    back: 0,
    draft: "",
  };
}

/** A key or a paste for the form. */
export function startInput(overlay: StartForm, event: InputEvent, context: StartContext): OverlayUpdate {
  const key = event.type === "key" ? event.key : "";
  const become = (change: Partial<StartForm>): OverlayUpdate => onlyOverlay({ ...overlay, ...change });
  switch (key) {
    case "tab":
    case "down":
      return become({ focus: neighbor(START_FIELDS, overlay.focus, 1) });
    case "shift+tab":
    case "up":
      return become({ focus: neighbor(START_FIELDS, overlay.focus, -1) });
    case "ctrl+p":
    case "ctrl+n": {
      const { back, draft } = overlay;
      const recalling = { field: overlay.fields.command, offered: false, back, draft };
      const recalled = recall(recalling, context.commands, key === "ctrl+p" ? 1 : -1);
      return recalled
        ? become({
            focus: "command",
            back: recalled.back,
            draft: recalled.draft,
            fields: { ...overlay.fields, command: recalled.field },
          })
        : onlyOverlay(overlay);
    }
    case "enter":
      return submit(overlay, context);
    case "pageup":
    case "pagedown": {
      const { error, errorRows } = startLayout(overlay, context.body);
      return become({ scroll: scrolled(key, overlay.scroll, error.length, errorRows) ?? 0 });
    }
  }
  if (overlay.focus === "input") {
    const by = key === "left" ? -1 : key === "right" || key === "space" ? 1 : 0;
    return by === 0 ? onlyOverlay(overlay) : become({ input: neighbor(START_INPUTS, overlay.input, by) });
  }
  const before = overlay.fields[overlay.focus];
  const rules = { limit: Number.POSITIVE_INFINITY, breaks: WITH_BREAKS.has(overlay.focus) };
  const field = event.type === "paste" ? insertText(before, event.text, rules) : editText(before, key, rules);
  if (!field) {
    return onlyOverlay(overlay);
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

function submit(overlay: StartForm, context: StartContext): OverlayUpdate {
  if (overlay.waiting !== null) {
    return onlyOverlay(overlay);
  }
  const options = startOptions(overlay, context);
  if (typeof options === "string") {
    return onlyOverlay({ ...overlay, error: options, scroll: 0 });
  }
  const { submission } = context;
  return {
    overlay: { ...overlay, error: "", scroll: 0, waiting: submission },
    effects: [{ type: "start", options, submission }],
    choice: null,
  };
}

/** What the form says, or what is wrong with it. */
function startOptions({ fields, input }: StartForm, { rows, columns }: StartContext): StartOptions | string {
  const words = shellSplit(fields.command.text);
  const [executable, ...args] = words ?? [];
  if (!words) {
    return "The command has an unclosed quote";
  }
  if (!executable) {
    return "Enter a command";
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
