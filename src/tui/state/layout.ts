import type { Rect } from "../terminal/grid.ts";
import { wrapText } from "../terminal/wrap.ts";
import type { LogSize } from "./log/log-scroll.ts";
import { confirmLayout } from "./overlays/confirm.ts";
import { helpColumns } from "./overlays/help-view.ts";
import { messageView } from "./overlays/message-view.ts";
import type { Overlay } from "./overlays/overlay.ts";
import { pageHeight, pageWidth } from "./overlays/pager.ts";
import { startLayout } from "./overlays/start-layout.ts";
import type { ConnectionState, DashboardState } from "./state.ts";
import type { ProcessCounts } from "./table/process-counts.ts";
import { toastRect } from "./toasts/toast-view.ts";

/** Where everything is on the screen. A pane that has no room is null. */
export interface Layout {
  readonly header: Rect;
  /** Everything between header and footer. */
  readonly body: Rect;
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
/** Rows for processes at least: an empty table says why in as many. */
const LEAST_ROWS = 3;
/** From this width on the log is beside the table unless the user says otherwise. */
const WIDE_COLUMNS = 200;
/** What the table takes beside the log, if there is that much: all columns, with room for the command. */
const BESIDE_COLUMNS = 140;
/** What it takes for a status and a project besides. */
const STATUS_COLUMNS = 17;
const PROJECT_COLUMNS = 11;
/** What it leaves to the log for them, where that is more than the log's share. */
const LOG_COLUMNS = 71;
/** "HH:MM:SS.mmm " */
export const TIMESTAMP_COLUMNS = 13;
/** A sign for the line, one for its stream, and a blank. */
export const GUTTER_COLUMNS = 3;

function centered(area: Rect, width: number, height: number): Rect {
  const w = Math.max(1, Math.min(area.width, width));
  const h = Math.max(1, Math.min(area.height, height));
  return {
    x: area.x + Math.floor((area.width - w) / 2),
    y: area.y + Math.floor((area.height - h) / 2),
    width: w,
    height: h,
  };
}

/** From this width on the table has a column for the scrollbar. */
const SCROLLBAR_WIDTH = 80;

/** Cells of a table's rows: the column of the scrollbar is kept when nothing is to be scrolled, text does not move then. */
export function tableWidth({ width }: Rect): number {
  return width >= SCROLLBAR_WIDTH ? width - 1 : width;
}

/** What the help takes: three columns where there is room, else two. */
const HELP_WIDTH = 190;
const HELP_WIDTH_NARROW = 126;
/** Rows of the palette, frame and all. */
const PALETTE_ROWS = 18;

/** A page that is read by scrolling is as high as there is room for, or as what it says. */
function pageRect(area: Rect, lines: number): Rect {
  const height = Math.min(Math.max(20, area.height - 2), pageHeight(lines));
  return centered(area, Math.max(90, Math.floor(area.width * 0.8)), height);
}

function overlayRect(overlay: Overlay, area: Rect, state: DashboardState): Rect {
  switch (overlay.kind) {
    case "help": {
      const width = Math.min(area.width, area.width < HELP_WIDTH - 32 ? HELP_WIDTH_NARROW : HELP_WIDTH);
      const lines = Math.max(...helpColumns(pageWidth(width)).columns.map(({ length }) => length));
      return centered(area, width, pageHeight(lines));
    }
    case "palette":
      return centered(area, 70, Math.max(PALETTE_ROWS, Math.floor(area.height * 0.7)));
    case "messages": {
      const width = pageWidth(pageRect(area, 0).width);
      return pageRect(area, messageView(state.toasts.messages, width).length);
    }
    case "details":
      return pageRect(area, Number.POSITIVE_INFINITY);
    case "confirm": {
      const { width, height } = confirmLayout(overlay, area);
      return centered(area, width, height);
    }
    case "start": {
      const { width, height } = startLayout(overlay, area);
      return centered(area, width, height);
    }
  }
}

/** What is wrong with the connection, as the header shows it below its first row. */
export function connectionErrorLines(connection: ConnectionState, columns: number): readonly string[] {
  return connection.phase === "disconnected" ? wrapText(connection.error, columns - 2) : [];
}

/** Rows of the header: the whole error while there is one, but no more than a third of the screen. */
function headerHeight({ connection, columns, rows }: DashboardState, small: boolean): number {
  const lines = connectionErrorLines(connection, columns).length;
  if (rows < 6) {
    // Only what must not be overlooked.
    return lines > 0 && rows >= 3 ? 1 : 0;
  }
  return Math.max(small ? 1 : 2, lines === 0 ? 0 : Math.min(Math.floor(rows / 3), 1 + lines));
}

/** Toasts are above the footer, and never over what lies over the panes. */
function toastArea(body: Rect, overlay: Rect | null): Rect {
  const y = overlay ? overlay.y + overlay.height : body.y;
  return { ...body, y, height: body.y + body.height - y };
}

/** Columns of the table beside the log. */
function besideWidth(columns: number, { status, project }: ProcessCounts["facts"]): number {
  const needed = BESIDE_COLUMNS + (status > 0 ? STATUS_COLUMNS : 0) + (project > 0 ? PROJECT_COLUMNS : 0);
  const share = Math.floor(columns * 0.6);
  const most = needed > BESIDE_COLUMNS ? Math.max(share, columns - 1 - LOG_COLUMNS) : share;
  return Math.max(Math.floor(columns * 0.45), Math.min(needed, most));
}

export function computeLayout(state: DashboardState): Layout {
  const { columns, rows } = state;
  const small = columns < SMALL_COLUMNS || rows < SMALL_ROWS;
  const headerRows = headerHeight(state, small);
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
    const width = besideWidth(columns, state.table.counts.facts);
    table = { ...body, width };
    // One blank column between them.
    log = { ...body, x: width + 1, width: columns - width - 1 };
  } else {
    // As many rows as there are to show, to not quite a half; the log has the rest.
    const wanted = Math.max(LEAST_ROWS, state.table.order.length) + 2;
    const height = Math.min(wanted, Math.max(LEAST_ROWS + 2, Math.floor(body.height * 0.45)));
    table = { ...body, height };
    log = { ...body, y: body.y + height, height: body.height - height };
  }
  const overlay = state.overlay ? overlayRect(state.overlay, body, state) : null;
  return {
    header,
    body,
    table,
    log,
    footer,
    overlay,
    toasts: toastRect(state.toasts.shown, toastArea(body, overlay)),
    tableRows: Math.max(0, (table?.height ?? 0) - 2),
    logSize: {
      rows: Math.max(0, (log?.height ?? 0) - 1),
      columns: Math.max(1, (log?.width ?? columns) - GUTTER_COLUMNS - (state.log.timestamps ? TIMESTAMP_COLUMNS : 0)),
    },
  };
}
