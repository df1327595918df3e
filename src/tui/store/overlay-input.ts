import type { InputEvent } from "../terminal/input.ts";
import { only, type Update } from "./action.ts";
import { perform } from "./commands.ts";
import { computeLayout } from "./layout.ts";
import { paletteInput } from "./palette-input.ts";
import { startInput } from "./start-form.ts";
import type { DashboardState, Overlay } from "./state.ts";

/** A key or a paste for what lies over the panes. */
export function overlayInput(state: DashboardState, overlay: Overlay, event: InputEvent): Update {
  const close: Update = only({ ...state, overlay: null });
  const key = event.type === "key" ? event.key : "";
  const read = overlay.kind === "help" || overlay.kind === "details";
  if (!read && (key === "escape" || key === "ctrl+c")) {
    return close;
  }
  switch (overlay.kind) {
    case "help":
    case "details": {
      // To be read, like a page of less: q leaves it. Ctrl-C means what it means without it.
      if (key === "ctrl+c") {
        return perform(state, "quit");
      }
      if (key === "escape" || key === "q" || key === "enter" || key === (overlay.kind === "help" ? "?" : "i")) {
        return close;
      }
      if (overlay.kind === "details" && key === "e") {
        return only({ ...state, overlay: { ...overlay, reveal: !overlay.reveal } });
      }
      const page = Math.max(1, (computeLayout(state).overlay?.height ?? 3) - 3);
      const half = Math.max(1, Math.floor(page / 2));
      const by = {
        j: 1,
        down: 1,
        k: -1,
        up: -1,
        pagedown: page,
        pageup: -page,
        "ctrl+d": half,
        "ctrl+u": -half,
      }[key];
      const scroll =
        key === "g" || key === "home" ? 0 : key === "G" || key === "end" ? 1000 : overlay.scroll + (by ?? 0);
      return only({ ...state, overlay: { ...overlay, scroll: Math.max(0, scroll) } });
    }
    case "confirm":
      if (key === "y" || key === "Y" || key === "enter") {
        return {
          state: { ...state, overlay: null, table: { ...state.table, marks: new Set() } },
          effects: [{ type: "act", action: overlay.action, targets: overlay.targets }],
        };
      }
      return key === "n" || key === "N" || key === "q" ? close : only(state);
    case "palette":
      return paletteInput(state, overlay, event);
    case "start":
      return startInput(state, overlay, event);
  }
}
