import type { Rect } from "../terminal/grid.ts";
import type { InputEvent } from "../terminal/input.ts";
import { only, type Update } from "./action.ts";
import { computeLayout, type Layout, tableWidth } from "./layout.ts";
import { scrollLog } from "./log/log-scroll.ts";
import { overlayContext } from "./overlay-context.ts";
import type { Overlay } from "./overlays/overlay.ts";
import { overlayInput } from "./overlays/overlay-input.ts";
import type { DashboardState } from "./state.ts";
import { columnsLeftOut, fittingColumns } from "./table/columns.ts";
import { keepSelection, moveSelection, selectIndex, setFilter, setSort } from "./table/table.ts";
import { tallyAt } from "./tallies.ts";

/** The wheel does what its arrow key does to what lies over the panes, three times. */
function wheelOver(before: DashboardState, overlay: Overlay, button: "wheel-up" | "wheel-down"): Update {
  const key = { type: "key", key: button === "wheel-up" ? "up" : "down" } as const;
  let state = before;
  for (let i = 0; i < 3; i++) {
    state = { ...state, overlay: overlayInput(state.overlay ?? overlay, key, overlayContext(state)).overlay };
  }
  return only(state);
}

function inside(rect: Rect | null, x: number, y: number): boolean {
  return rect !== null && x >= rect.x && x < rect.x + rect.width && y >= rect.y && y < rect.y + rect.height;
}

/** A click: a row is selected, a column sorted by, a number of the header filtered by, a pane focused. */
function click(state: DashboardState, layout: Layout, x: number, y: number): DashboardState {
  const { table } = state;
  if (inside(layout.header, x, y)) {
    const tally = y === layout.header.y + 1 && !state.prompt ? tallyAt(state, x) : null;
    const filter = tally && (table.filter === tally.filter ? "" : tally.filter);
    return filter === null ? state : { ...state, focus: "table", table: keepSelection(setFilter(table, filter)) };
  }
  if (inside(layout.log, x, y)) {
    return { ...state, focus: "log" };
  }
  if (!layout.table || !inside(layout.table, x, y)) {
    return state;
  }
  const row = y - layout.table.y - 2;
  if (row === -1) {
    const sort = fittingColumns(
      tableWidth(layout.table),
      columnsLeftOut(state.hiddenColumns, table.counts),
      table.sortKey,
    ).find(
      (column) => x - (layout.table?.x ?? 0) >= column.x && x - (layout.table?.x ?? 0) < column.x + column.width,
    )?.sort;
    const reversed = sort === table.sortKey && !table.reversed;
    return { ...state, focus: "table", table: sort ? setSort(table, sort, reversed) : table };
  }
  const index = table.top + row;
  const isRow = row >= 0 && index < table.order.length;
  return { ...state, focus: "table", table: isRow ? selectIndex(table, index) : table };
}

/** A click does what is under it, the wheel moves it. What a click in the footer presses is the caller's. */
export function mouseInput(state: DashboardState, event: Extract<InputEvent, { type: "mouse" }>): Update {
  const { overlay } = state;
  if (overlay) {
    return event.button === "left" || overlay.kind === "start" ? only(state) : wheelOver(state, overlay, event.button);
  }
  const layout = computeLayout(state);
  if (event.button === "left") {
    return only(click(state, layout, event.x, event.y));
  }
  const by = event.button === "wheel-up" ? -3 : 3;
  if (inside(layout.table, event.x, event.y)) {
    return only({ ...state, table: moveSelection(state.table, by) });
  }
  return only(
    inside(layout.log, event.x, event.y) ? { ...state, log: scrollLog(state.log, by, layout.logSize) } : state,
  );
}
