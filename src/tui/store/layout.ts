import type { Rect } from "../terminal/grid.ts";
import type { LogSize } from "./log-scroll.ts";
import type { DashboardState, Overlay } from "./state.ts";

/** Where everything is on the screen. A pane that has no room is null. */
export interface Layout {
  readonly header: Rect;
  /** Title row, column row and rows of processes. */
  readonly table: Rect | null;
  /** Title row and rows of output. */
  readonly log: Rect | null;
  readonly footer: Rect;
  readonly overlay: Rect | null;
  readonly toasts: Rect | null;
  /** Rows for processes. */
  readonly tableRows: number;
  /** Rows and columns for output. */
  readonly logSize: LogSize;
}

/** Below this one pane is shown at a time. */
const SMALL_COLUMNS = 80;
const SMALL_ROWS = 24;
/** From this width on the log is beside the table unless the user says otherwise. */
const WIDE_COLUMNS = 200;
/** "HH:MM:SS.mmm " */
export const TIMESTAMP_COLUMNS = 13;
/** A sign for the line, one for its stream, and a blank. */
export const GUTTER_COLUMNS = 3;

function centred(area: Rect, width: number, height: number): Rect {
  const w = Math.max(1, Math.min(area.width, width));
  const h = Math.max(1, Math.min(area.height, height));
  return {
    x: area.x + Math.floor((area.width - w) / 2),
    y: area.y + Math.floor((area.height - h) / 2),
    width: w,
    height: h,
  };
}

function overlayRect(overlay: Overlay, area: Rect): Rect {
  switch (overlay.kind) {
    case "help":
      return centred(area, 126, 34);
    case "palette":
      return centred(area, 70, 18);
    case "confirm":
      return centred(area, 66, 7 + Math.min(6, overlay.targets.length));
    case "details":
      return centred(area, Math.max(90, Math.floor(area.width * 0.8)), Math.max(20, area.height - 2));
    case "start":
      return centred(area, 78, 17);
  }
}

export function computeLayout(state: DashboardState): Layout {
  const { columns, rows } = state;
  const small = columns < SMALL_COLUMNS || rows < SMALL_ROWS;
  const headerRows = rows < 6 ? 0 : small ? 1 : 2;
  const footerRows = rows < 3 ? 0 : 1;
  const header: Rect = { x: 0, y: 0, width: columns, height: headerRows };
  const footer: Rect = { x: 0, y: rows - footerRows, width: columns, height: footerRows };
  const body: Rect = { x: 0, y: headerRows, width: columns, height: Math.max(0, rows - headerRows - footerRows) };
  const single = small || state.zoom;
  let table: Rect | null = null;
  let log: Rect | null = null;
  if (single) {
    if (state.focus === "table") {
      table = body;
    } else {
      log = body;
    }
  } else if (state.beside ?? columns >= WIDE_COLUMNS) {
    const width = Math.floor(columns * 0.45);
    table = { ...body, width };
    // One blank column between them.
    log = { ...body, x: width + 1, width: columns - width - 1 };
  } else {
    // As many rows as there are processes, from a quarter to a half.
    const wanted = Math.max(state.table.processes.size, state.table.order.length) + 2;
    const height = Math.max(Math.floor(body.height * 0.25), Math.min(wanted, Math.floor(body.height * 0.45)));
    table = { ...body, height };
    log = { ...body, y: body.y + height, height: body.height - height };
  }
  const overlay = state.overlay ? overlayRect(state.overlay, body) : null;
  const toastRows = Math.min(state.toasts.length, 4, body.height);
  const toastColumns = Math.min(columns, 76);
  return {
    header,
    table,
    log,
    footer,
    overlay,
    toasts:
      toastRows > 0
        ? { x: columns - toastColumns, y: footer.y - toastRows, width: toastColumns, height: toastRows }
        : null,
    tableRows: Math.max(0, (table?.height ?? 0) - 2),
    logSize: {
      rows: Math.max(0, (log?.height ?? 0) - 1),
      columns: Math.max(1, (log?.width ?? columns) - GUTTER_COLUMNS - (state.log.timestamps ? TIMESTAMP_COLUMNS : 0)),
    },
  };
}
