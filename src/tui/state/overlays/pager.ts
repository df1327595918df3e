import type { Rect } from "../../terminal/grid.ts";
import type { Message } from "../toasts/toasts.ts";
import { confirmLayout } from "./confirm.ts";
import { type DetailsSource, detailsView } from "./details-view.ts";
import { helpColumns } from "./help-view.ts";
import { messageView } from "./message-view.ts";
import type { Overlay, PageOverlay } from "./overlay.ts";
import { startLayout } from "./start-layout.ts";

/** Where pages have what they tell. */
export interface PageSource extends DetailsSource {
  readonly messages: readonly Message[];
}

/** The room that an overlay has. */
export interface OverlayRoom {
  /** Everything between header and footer. */
  readonly body: Rect;
  /** What of it the overlay takes. */
  readonly rect: Rect;
}

/** Below this height a page does without the blank row under its title. */
const SMALL_ROWS = 12;

/** What a page takes besides its lines: the frame, the title and a blank row. */
const AROUND = 4;

/** The height of a frame for so many rows. */
export function pageHeight(rows: number): number {
  return rows + (rows + AROUND > SMALL_ROWS ? AROUND : AROUND - 1);
}

/** Rows of a page in a frame of this height, and whether a blank one is above them. */
export function pageRows(height: number): { readonly rows: number; readonly blank: boolean } {
  const blank = height >= SMALL_ROWS;
  return { rows: Math.max(1, height - (blank ? AROUND : AROUND - 1)), blank };
}

/** Cells of a page in a frame of this width. */
export function pageWidth(width: number): number {
  return Math.max(1, width - 4);
}

/** How many rows there are to read, and how many there is room for. */
export function pageExtent(
  source: PageSource,
  overlay: PageOverlay,
  rect: Rect,
): { readonly lines: number; readonly rows: number } {
  const { rows } = pageRows(rect.height);
  const width = pageWidth(rect.width);
  switch (overlay.kind) {
    case "help":
      return { rows, lines: Math.max(...helpColumns(width).columns.map(({ length }) => length)) };
    case "details":
      return { rows, lines: detailsView(source, overlay, width).length };
    case "messages":
      return { rows, lines: messageView(source.messages, width).length };
  }
}

/** Whether there is more than is in view. */
export function scrolls(source: PageSource, overlay: Overlay, { body, rect }: OverlayRoom): boolean {
  switch (overlay.kind) {
    case "help":
    case "details":
    case "messages": {
      const { lines, rows } = pageExtent(source, overlay, rect);
      return lines > rows;
    }
    case "confirm":
      return confirmLayout(overlay, body).rows < overlay.targets.length;
    case "start": {
      const { error, errorRows } = startLayout(overlay, body);
      return error.length > errorRows;
    }
    case "palette":
      return false;
  }
}

/** Where reading begins at most. */
export function clampScroll(scroll: number, lines: number, rows: number): number {
  return Math.max(0, Math.min(scroll, lines - rows));
}

/** Where the keys of a pager lead; null: it is none of them. */
export function scrolled(key: string, scroll: number, lines: number, rows: number): number | null {
  const half = Math.max(1, Math.floor(rows / 2));
  const by: Readonly<Record<string, number>> = {
    j: 1,
    down: 1,
    k: -1,
    up: -1,
    pagedown: rows,
    space: rows,
    pageup: -rows,
    "ctrl+d": half,
    "ctrl+u": -half,
    g: -lines,
    home: -lines,
    G: lines,
    end: lines,
  };
  const step = by[key];
  // From what is on the screen, whatever was asked for when there was more to read.
  return step === undefined ? null : clampScroll(clampScroll(scroll, lines, rows) + step, lines, rows);
}

/** "11-20 of 45"; "" if everything is in view. */
export function positionText(scroll: number, lines: number, rows: number): string {
  const from = clampScroll(scroll, lines, rows);
  return lines > rows ? `${from + 1}-${Math.min(lines, from + rows)} of ${lines}` : "";
}
