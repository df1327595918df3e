import type { InputEvent } from "../../terminal/input.ts";
import { only, type Update } from "../action.ts";
import { perform } from "../commands.ts";
import { computeLayout } from "../layout.ts";
import type { DashboardState, Overlay } from "../state.ts";
import { type Confirmation, confirmLayout } from "./confirm.ts";
import { type PageOverlay, pageExtent, scrolled } from "./pager.ts";
import { paletteInput } from "./palette-input.ts";
import { startInput } from "./start-form.ts";

/** A key or a paste for what lies over the panes. */
export function overlayInput(state: DashboardState, overlay: Overlay, event: InputEvent): Update {
  const key = event.type === "key" ? event.key : "";
  switch (overlay.kind) {
    case "help":
    case "details":
    case "messages":
      return pageInput(state, overlay, key);
    case "confirm":
      return confirmInput(state, overlay, key);
    case "palette":
    case "start":
      if (key === "escape" || key === "ctrl+c") {
        return only({ ...state, overlay: null });
      }
      return overlay.kind === "palette" ? paletteInput(state, overlay, event) : startInput(state, overlay, event);
  }
}

/** The key that opens a page closes it, too. */
const OPENED_BY: Record<PageOverlay["kind"], string> = { help: "?", details: "i", messages: "M" };

/** To be read, like a page of less: q leaves it. Ctrl-C means what it means without it. */
function pageInput(state: DashboardState, overlay: PageOverlay, key: string): Update {
  if (key === "ctrl+c") {
    return perform(state, "quit");
  }
  if (["escape", "q", "enter", OPENED_BY[overlay.kind]].includes(key)) {
    return only({ ...state, overlay: null });
  }
  if (overlay.kind === "details" && key === "e") {
    return only({ ...state, overlay: { ...overlay, reveal: !overlay.reveal } });
  }
  const { lines, rows } = pageExtent(state, overlay);
  const scroll = scrolled(key, overlay.scroll, lines, rows);
  return only(scroll === null ? state : { ...state, overlay: { ...overlay, scroll } });
}

/** Only y does it: Enter is pressed too easily, twice or for something else. */
function confirmInput(state: DashboardState, overlay: Confirmation, key: string): Update {
  if (key === "y") {
    return {
      state: { ...state, overlay: null },
      effects: [{ type: "act", action: overlay.action, targets: overlay.targets }],
    };
  }
  if (["n", "N", "q", "escape", "ctrl+c"].includes(key)) {
    return only({ ...state, overlay: null });
  }
  const { rows } = confirmLayout(overlay, computeLayout(state).body);
  const scroll = scrolled(key, overlay.scroll, overlay.targets.length, rows);
  return only(scroll === null ? state : { ...state, overlay: { ...overlay, scroll } });
}
