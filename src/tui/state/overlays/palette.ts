import { type Command, KEY_MAP, keyName } from "../../keys/keymap.ts";
import { THEME_NAMES } from "../../themes/themes.ts";
import { ALERTS, type Alert, LAYOUTS, type PaneLayout } from "../settings/settings.ts";
import { COLUMN_KEYS, type ColumnKey, columnName, isOptional } from "../table/columns.ts";
import { SORT_KEYS, type SortKey } from "../table/sort.ts";

/** A line of the palette: what it does, how it reads, and its key or that it is so already. */
export type PaletteEntry = { readonly label: string; readonly hint: string } & (
  | { readonly kind: "command"; readonly command: Command }
  | { readonly kind: "context"; readonly name: string }
  | { readonly kind: "theme"; readonly name: string }
  | { readonly kind: "sort"; readonly key: SortKey }
  | { readonly kind: "column"; readonly key: ColumnKey }
  | { readonly kind: "alert"; readonly name: Alert }
  | { readonly kind: "layout"; readonly name: PaneLayout }
);

/** What there is to choose from, and what is chosen now. */
export interface PaletteChoices {
  readonly contexts: readonly string[];
  readonly context: string;
  readonly theme: string;
  readonly sortKey: SortKey;
  readonly hiddenColumns: readonly ColumnKey[];
  readonly alert: Alert;
  readonly layout: PaneLayout;
}

/** Commands that make no sense from the palette: moving, and the palette itself. */
const LEFT_OUT: ReadonlySet<Command> = new Set(["palette", "up", "down", "left", "right", "back", "open"]);

/** What is wanted most, first; the others come as in the key map. */
const FIRST: readonly Command[] = [
  "start",
  "stop",
  "restart",
  "kill",
  "remove",
  "details",
  "attach",
  "search",
  "log-filter",
  "follow",
  "wrap",
  "timestamps",
  "streams",
  "mark-all",
  "messages",
  "help",
];

const IN_USE = "✓ in use";

function inUse(used: boolean): string {
  return used ? IN_USE : "";
}

function commandEntries(): PaletteEntry[] {
  const place = ({ command }: { command: Command }): number => {
    const index = FIRST.indexOf(command);
    return index < 0 ? FIRST.length : index;
  };
  return KEY_MAP.filter(({ command }) => !LEFT_OUT.has(command))
    .toSorted((a, b) => place(a) - place(b))
    .map(({ command, description, keys }) => ({
      kind: "command",
      command,
      label: description,
      hint: keys.map(keyName).join(" "),
    }));
}

/** What an alert is called. */
const ALERT_LABELS: Readonly<Record<Alert, string>> = {
  none: "nothing but a message",
  bell: "the bell",
  notification: "a notification (OSC 9)",
};
const LAYOUT_LABELS: Readonly<Record<PaneLayout, string>> = {
  auto: "as the width suggests",
  beside: "beside the table",
  below: "below the table",
};

function allEntries({
  contexts,
  context,
  theme,
  sortKey,
  hiddenColumns,
  alert,
  layout,
}: PaletteChoices): PaletteEntry[] {
  return [
    ...commandEntries(),
    ...SORT_KEYS.map(
      (key): PaletteEntry => ({
        kind: "sort",
        key,
        label: `Sort by ${key}`,
        hint: inUse(key === sortKey),
      }),
    ),
    ...contexts.map(
      (name): PaletteEntry => ({
        kind: "context",
        name,
        label: `Context: ${name}`,
        hint: inUse(name === context),
      }),
    ),
    ...COLUMN_KEYS.filter(isOptional).map(
      (key): PaletteEntry => ({
        kind: "column",
        key,
        label: `Column: ${columnName(key)}`,
        hint: hiddenColumns.includes(key) ? "hidden" : "✓ shown",
      }),
    ),
    ...LAYOUTS.map(
      (name): PaletteEntry => ({
        kind: "layout",
        name,
        label: `Log: ${LAYOUT_LABELS[name]}`,
        hint: inUse(name === layout),
      }),
    ),
    ...ALERTS.map(
      (name): PaletteEntry => ({
        kind: "alert",
        name,
        label: `When something fails: ${ALERT_LABELS[name]}`,
        hint: inUse(name === alert),
      }),
    ),
    ...THEME_NAMES.map(
      (name): PaletteEntry => ({
        kind: "theme",
        name,
        label: `Theme: ${name}`,
        hint: inUse(name === theme),
      }),
    ),
  ];
}

/** How well a line fits, 0 the best; null: it does not. */
function rank(entry: PaletteEntry, query: string, words: readonly string[]): number | null {
  const label = entry.label.toLowerCase();
  if (label.startsWith(query)) {
    return 0;
  }
  const beginnings = label.split(/[^\p{L}\p{N}_.-]+/u);
  if (words.every((word) => beginnings.some((beginning) => beginning.startsWith(word.replace(/(?<=.):$/, ""))))) {
    return 1;
  }
  if (words.every((word) => label.includes(word))) {
    return 2;
  }
  const hidden = `${label} ${entry.kind === "command" ? entry.command : ""}`;
  return words.every((word) => hidden.includes(word)) ? 3 : null;
}

/** What fits what was typed, the best first: every word of it must be in the line, or in the command's name. */
export function paletteEntries(query: string, choices: PaletteChoices): readonly PaletteEntry[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const entries = allEntries(choices);
  if (words.length === 0) {
    return entries;
  }
  return entries
    .flatMap((entry) => {
      const place = rank(entry, words.join(" "), words);
      return place === null ? [] : [{ entry, place }];
    })
    .sort((a, b) => a.place - b.place)
    .map(({ entry }) => entry);
}
