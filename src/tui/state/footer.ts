import { type Command, KEY_MAP, keyName } from "../keys/keymap.ts";
import { overlayContext, pageSource } from "./overlay-context.ts";
import { overlayKeys } from "./overlays/overlay-keys.ts";
import { scrolls } from "./overlays/pager.ts";
import type { DashboardState, Pane } from "./state.ts";

/** A key in the footer, and what it does. */
export interface FooterKey {
  readonly key: string;
  readonly label: string;
  /** As `InputDecoder` names it; null: it stands for several. */
  readonly pressed: string | null;
}

/** A footer key in its place. */
export interface PlacedKey extends FooterKey {
  /** Cells from the left edge, and how many it takes. */
  readonly x: number;
  readonly width: number;
}

/** Cells before the first key, and between two. */
export const FOOTER_MARGIN = 1;
export const FOOTER_GAP = 2;

/** What a click on a label of an overlay presses. */
const PRESSED: Readonly<Record<string, string>> = {
  Enter: "enter",
  Esc: "escape",
  "? q Esc": "escape",
  "M q Esc": "escape",
  "i q Esc": "escape",
  Tab: "tab",
  PgDn: "pagedown",
  G: "G",
  e: "e",
  y: "y",
  n: "n",
};

/** The keys that the pane in focus has, those that matter most first. */
function paneKeys(pane: Pane, wanted: (command: Command) => boolean): readonly FooterKey[] {
  return KEY_MAP.flatMap(({ command, keys, footer }) => {
    const label = footer?.[pane];
    const [key = ""] = keys;
    return label && wanted(command) ? [{ key: keyName(key), label, pressed: key, rank: footer.rank }] : [];
  }).sort((a, b) => a.rank - b.rank);
}

/** Whether a key is of use now; most are always. */
function isTimely({ unseen, connection }: DashboardState, command: Command): boolean {
  switch (command) {
    case "next-failure":
      return unseen.length > 0;
    case "start-daemon":
      return connection.phase === "disconnected" && connection.endpoint.startsWith("unix:");
    default:
      return true;
  }
}

/** The keys of what has the keyboard, as many as there is room for, each in its place. */
export function footerKeys(state: DashboardState): readonly PlacedKey[] {
  const { overlay } = state;
  let room = state.columns - 2 * FOOTER_MARGIN;
  const keys = overlay
    ? overlayKeys(overlay, scrolls(pageSource(state), overlay, overlayContext(state))).map((each) => ({
        ...each,
        pressed: PRESSED[each.key] ?? null,
      }))
    : paneKeys(state.focus, (command) => isTimely(state, command));
  const fitting = keys.filter(({ key, label }) => {
    room -= key.length + label.length + 1 + FOOTER_GAP;
    return room >= 0;
  });
  let x = FOOTER_MARGIN;
  // Help and the way out stand at the end, as everywhere.
  return (overlay ? fitting : [...fitting.slice(2), ...fitting.slice(0, 2)]).map((each) => {
    const width = each.key.length + 1 + each.label.length;
    const placed = { ...each, x, width };
    x += width + FOOTER_GAP;
    return placed;
  });
}

/** The key that a cell of the footer stands for; null: none. */
export function footerKeyAt(state: DashboardState, x: number): string | null {
  return footerKeys(state).find((key) => x >= key.x && x < key.x + key.width)?.pressed ?? null;
}
