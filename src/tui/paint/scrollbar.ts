import type { Grid, Rect } from "../terminal/grid.ts";
import type { Theme } from "../themes/themes.ts";

/** Which of `rows` rows the thumb covers when `rows` of `count` lines are shown, from line `top` on; null: all are shown. */
export function scrollThumb(rows: number, count: number, top: number): { from: number; to: number } | null {
  const hidden = count - rows;
  if (rows < 1 || hidden <= 0) {
    return null;
  }
  const size = Math.max(1, Math.round((rows * rows) / count));
  const room = rows - size;
  const place = Math.round((Math.min(top, hidden) / hidden) * room);
  // It touches an end only where nothing more is hidden, as far as there is room to say so.
  const from = top <= 0 ? 0 : top >= hidden ? room : Math.max(Math.min(1, room), Math.min(room - 1, place));
  return { from, to: from + size };
}

/** What part of the lines is shown. */
export function paintScrollbar(grid: Grid, rect: Rect, count: number, top: number, theme: Theme): void {
  const thumb = scrollThumb(rect.height, count, top);
  for (let row = thumb?.from ?? 0; row < (thumb?.to ?? 0); row++) {
    grid.write(rect.x, rect.y + row, "▐", theme.faint);
  }
}
