import type { InputEvent } from "../../terminal/input.ts";
import { only, type Update } from "../action.ts";
import { perform } from "../commands.ts";
import type { DashboardState, Overlay } from "../state.ts";
import { setSort } from "../table/table.ts";
import { type PaletteEntry, paletteEntries } from "./palette.ts";
import { editText, insertText } from "./text-field.ts";

type Palette = Extract<Overlay, { kind: "palette" }>;

/** What the palette offers for what has been typed. */
export function paletteLines(state: DashboardState, { field }: Palette): readonly PaletteEntry[] {
  const { connection, theme, table } = state;
  return paletteEntries(field.text, {
    contexts: connection.contexts,
    context: connection.contextInUse,
    theme,
    sortKey: table.sortKey,
  });
}

/** A key or a paste for the palette. */
export function paletteInput(state: DashboardState, overlay: Palette, event: InputEvent): Update {
  const entries = paletteLines(state, overlay);
  const key = event.type === "key" ? event.key : "";
  if (key === "enter") {
    const entry = entries[overlay.index];
    const closed = { ...state, overlay: null };
    return entry ? choose(closed, entry) : only(closed);
  }
  if (key === "down" || key === "tab" || key === "up" || key === "shift+tab") {
    const by = key === "down" || key === "tab" ? 1 : -1;
    const index = entries.length === 0 ? 0 : (overlay.index + by + entries.length) % entries.length;
    return only({ ...state, overlay: { ...overlay, index } });
  }
  const field = event.type === "paste" ? insertText(overlay.field, event.text) : editText(overlay.field, key);
  return only(field ? { ...state, overlay: { ...overlay, field, index: 0 } } : state);
}

function choose(state: DashboardState, entry: PaletteEntry): Update {
  switch (entry.kind) {
    case "command":
      return perform(state, entry.command);
    case "sort":
      return only({ ...state, table: setSort(state.table, entry.key, false) });
    case "context":
      return { state, effects: [{ type: "switch-context", name: entry.name }] };
    case "theme":
      return only({ ...state, theme: entry.name });
  }
}
