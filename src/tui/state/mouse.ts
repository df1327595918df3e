import type { InputEvent } from "../terminal/input.ts";
import { only, type Update } from "./action.ts";
import { computeLayout } from "./layout.ts";
import { scrollLog } from "./log/log-scroll.ts";
import { overlayContext } from "./overlay-context.ts";
import type { Overlay } from "./overlays/overlay.ts";
import { overlayInput } from "./overlays/overlay-input.ts";
import type { DashboardState } from "./state.ts";
import { moveSelection, selectIndex } from "./table/table.ts";

/** The wheel does what its arrow key does to what lies over the panes, three times. */
function wheelOver(before: DashboardState, overlay: Overlay, button: "wheel-up" | "wheel-down"): Update {
  const key = { type: "key", key: button === "wheel-up" ? "up" : "down" } as const;
  let state = before;
  for (let i = 0; i < 3; i++) {
    state = { ...state, overlay: overlayInput(state.overlay ?? overlay, key, overlayContext(state)).overlay };
  }
  return only(state);
}

/** A click selects a row and focuses a pane, the wheel moves what is under it. */
export function mouseInput(state: DashboardState, event: Extract<InputEvent, { type: "mouse" }>): Update {
  const { overlay } = state;
  if (overlay) {
    return event.button === "left" || overlay.kind === "start" ? only(state) : wheelOver(state, overlay, event.button);
  }
  const layout = computeLayout(state);
  const inside = (rect: typeof layout.table): boolean =>
    rect !== null &&
    event.x >= rect.x &&
    event.x < rect.x + rect.width &&
    event.y >= rect.y &&
    event.y < rect.y + rect.height;
  const pane = inside(layout.table) ? "table" : inside(layout.log) ? "log" : null;
  if (!pane) {
    return only(state);
  }
  if (event.button === "left") {
    const index = state.table.top + event.y - (layout.table?.y ?? 0) - 2;
    const isRow = pane === "table" && index >= state.table.top && index < state.table.order.length;
    return only({ ...state, focus: pane, table: isRow ? selectIndex(state.table, index) : state.table });
  }
  const by = event.button === "wheel-up" ? -3 : 3;
  return only(
    pane === "table"
      ? { ...state, table: moveSelection(state.table, by) }
      : { ...state, log: scrollLog(state.log, by, layout.logSize) },
  );
}
