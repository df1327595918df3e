import { paletteEntries } from "../keys/palette.ts";
import type { InputEvent } from "../terminal/input.ts";
import { only, type Update } from "./action.ts";
import { perform } from "./commands.ts";
import type { DashboardState, Overlay } from "./state.ts";
import { editText, insertText } from "./text-field.ts";

/** A key or a paste for the palette. */
export function paletteInput(
  state: DashboardState,
  overlay: Extract<Overlay, { kind: "palette" }>,
  event: InputEvent,
): Update {
  const entries = paletteEntries(overlay.field.text, state.connection.contexts);
  const key = event.type === "key" ? event.key : "";
  if (key === "enter") {
    const entry = entries[overlay.index];
    const closed = { ...state, overlay: null };
    if (!entry) {
      return only(closed);
    }
    switch (entry.kind) {
      case "command":
        return perform(closed, entry.command);
      case "context":
        return { state: closed, effects: [{ type: "switch-context", name: entry.name }] };
      case "theme":
        return only({ ...closed, theme: entry.name });
    }
  }
  if (key === "down" || key === "tab" || key === "up" || key === "shift+tab") {
    const by = key === "down" || key === "tab" ? 1 : -1;
    const index = entries.length === 0 ? 0 : (overlay.index + by + entries.length) % entries.length;
    return only({ ...state, overlay: { ...overlay, index } });
  }
  const field = event.type === "paste" ? insertText(overlay.field, event.text) : editText(overlay.field, key);
  return only(field ? { ...state, overlay: { ...overlay, field, index: 0 } } : state);
}
