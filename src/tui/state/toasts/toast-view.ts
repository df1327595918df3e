import type { Rect } from "../../terminal/grid.ts";
import { textWidth, wrapText } from "../../terminal/wrap.ts";
import type { Toast } from "./toasts.ts";

/** Rows of one toast at most; the list of messages has the rest. */
const LINES = 6;
/** The sign before the text, and a blank at either end. */
const AROUND = 4;
/** So many cells of what is under it are worth seeing beside it. */
const LEAST_BESIDE = 12;
const MORE = "… M shows all";

/** A toast as it stands on the screen. */
export interface ToastBlock {
  readonly toast: Toast;
  readonly lines: readonly string[];
}

function toastLines(text: string, width: number, most: number): readonly string[] {
  const lines = wrapText(text, width);
  if (lines.length <= most) {
    return lines;
  }
  const last = wrapText(lines[most - 1] ?? "", Math.max(1, width - textWidth(MORE)))[0] ?? "";
  return [...lines.slice(0, most - 1), `${last}${MORE}`];
}

/** The toasts for which there is room, the newest lowest. */
export function toastBlocks(toasts: readonly Toast[], columns: number, rows: number): readonly ToastBlock[] {
  const blocks: ToastBlock[] = [];
  let room = rows;
  for (const toast of toasts.toReversed()) {
    // The newest in any case.
    const most = Math.min(LINES, blocks.length === 0 ? room : LINES);
    const lines = most > 0 ? toastLines(toast.text, Math.max(1, columns - AROUND), most) : [];
    if (lines.length === 0 || lines.length > room) {
      break;
    }
    room -= lines.length;
    blocks.unshift({ toast, lines });
  }
  return blocks;
}

/** Where they are: at the right end of the last rows of `area`, as wide as they need. */
export function toastRect(toasts: readonly Toast[], area: Rect): Rect | null {
  const blocks = toastBlocks(toasts, area.width, area.height);
  if (blocks.length === 0) {
    return null;
  }
  const lines = blocks.flatMap((block) => block.lines);
  const needed = Math.max(...lines.map(textWidth)) + AROUND;
  // A few cells of what is under it would only be read as a part of it.
  const width = needed + LEAST_BESIDE > area.width ? area.width : needed;
  return {
    x: area.x + area.width - width,
    y: area.y + area.height - lines.length,
    width,
    height: lines.length,
  };
}
