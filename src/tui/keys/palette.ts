import { THEME_NAMES } from "../themes/themes.ts";
import { type Command, KEY_MAP, keyName } from "./keymap.ts";

/** A line of the palette. */
export type PaletteEntry =
  | { readonly kind: "command"; readonly command: Command; readonly label: string; readonly hint: string }
  | { readonly kind: "context"; readonly name: string; readonly label: string; readonly hint: string }
  | { readonly kind: "theme"; readonly name: string; readonly label: string; readonly hint: string };

/** Commands that make no sense from the palette: moving, and the palette itself. */
const LEFT_OUT: ReadonlySet<Command> = new Set(["palette", "up", "down", "left", "right", "back", "open"]);

/** What fits what was typed: every word of it must be in the line. */
export function paletteEntries(query: string, contexts: readonly string[]): readonly PaletteEntry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const entries: PaletteEntry[] = [
    ...KEY_MAP.filter(({ command }) => !LEFT_OUT.has(command)).map(
      ({ command, description, keys }): PaletteEntry => ({
        kind: "command",
        command,
        label: description,
        hint: keys.map(keyName).join(" "),
      }),
    ),
    ...contexts.map((name): PaletteEntry => ({ kind: "context", name, label: `Context: ${name}`, hint: "" })),
    ...THEME_NAMES.map((name): PaletteEntry => ({ kind: "theme", name, label: `Theme: ${name}`, hint: "" })),
  ];
  return entries.filter((entry) => {
    const text = `${entry.label} ${entry.kind === "command" ? entry.command : ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
