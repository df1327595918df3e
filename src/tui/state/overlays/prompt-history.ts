import { editText, insertText, type TextField, textField } from "./text-field.ts";

/** What was typed before, oldest first. */
export type History = readonly string[];

const LIMIT = 100;

/** Remembers what was typed, once. */
export function rememberTyped(history: History, text: string): History {
  return text === "" ? history : [...history.filter((each) => each !== text), text].slice(-LIMIT);
}

/** A line that is being typed, and where in what was typed before it is. */
export interface RecallingField {
  readonly field: TextField;
  /** Whether what stands there was not typed: the first character takes its place. */
  readonly offered: boolean;
  /** How far back in the history it is; 0: it is not in it. */
  readonly back: number;
  /** What was typed before the history was gone through. */
  readonly draft: string;
}

/** A field in which something is offered. */
export function offeredField(text: string): RecallingField {
  return { field: textField(text), offered: text !== "", back: 0, draft: text };
}

/** One further back (1) or forth (-1) in the history; null: there is nothing there. */
export function recall(recalling: RecallingField, history: History, by: 1 | -1): RecallingField | null {
  const back = recalling.back + by;
  if (back < 0 || back > history.length) {
    return null;
  }
  const draft = recalling.back === 0 ? recalling.field.text : recalling.draft;
  const text = back === 0 ? draft : (history[history.length - back] ?? "");
  if (back > 0 && text === recalling.field.text) {
    // It is there already.
    return recall({ ...recalling, back, draft }, history, by);
  }
  return { field: textField(text), offered: false, back, draft };
}

/** What a key or a paste makes of it; null: nothing. */
export function typeInto(
  recalling: RecallingField,
  event: { readonly type: "key"; readonly key: string } | { readonly type: "paste"; readonly text: string },
): RecallingField | null {
  const isText = event.type === "paste" || event.key === "space" || [...event.key].length === 1;
  const erases = event.type === "key" && event.key === "backspace";
  const before = recalling.offered && (isText || erases) ? textField() : recalling.field;
  const field =
    event.type === "paste"
      ? insertText(before, event.text)
      : recalling.offered && erases
        ? before
        : editText(before, event.key);
  return field && { ...recalling, field, offered: false };
}
