import type { InputEvent } from "../../terminal/input.ts";
import { type OverlayUpdate, onlyOverlay, type Palette } from "./overlay.ts";
import { type PaletteChoices, paletteEntries } from "./palette.ts";
import { editText, insertText } from "./text-field.ts";

/** A key or a paste for the palette. */
export function paletteInput(overlay: Palette, event: InputEvent, choices: PaletteChoices): OverlayUpdate {
  const entries = paletteEntries(overlay.field.text, choices);
  const key = event.type === "key" ? event.key : "";
  if (key === "enter") {
    return { ...onlyOverlay(null), choice: entries[overlay.index] ?? null };
  }
  if (key === "down" || key === "tab" || key === "up" || key === "shift+tab") {
    const by = key === "down" || key === "tab" ? 1 : -1;
    const index = entries.length === 0 ? 0 : (overlay.index + by + entries.length) % entries.length;
    return onlyOverlay({ ...overlay, index });
  }
  const field = event.type === "paste" ? insertText(overlay.field, event.text) : editText(overlay.field, key);
  return onlyOverlay(field ? { ...overlay, field, index: 0 } : overlay);
}
