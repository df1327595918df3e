import { DIM, INVERSE, PLAIN, type Style, UNDERLINE } from "./style.ts";
import type { StyledLine } from "./styled-line.ts";
import { eachGrapheme, isPlainAscii } from "./width.ts";

/** A rectangle of cells; x and y count from 0. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A screenful of cells. What is drawn outside of it is cut. */
export class Grid {
  readonly width: number;
  readonly height: number;
  /** Grapheme of each cell, row by row; "" is the second cell of a wide one. */
  readonly text: string[];
  readonly fg: Int32Array;
  readonly bg: Int32Array;
  readonly flags: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.text = new Array<string>(width * height).fill(" ");
    this.fg = new Int32Array(width * height);
    this.bg = new Int32Array(width * height);
    this.flags = new Uint8Array(width * height);
  }

  clear(rect: Rect = { x: 0, y: 0, width: this.width, height: this.height }, style: Style = PLAIN): void {
    const right = Math.min(this.width, rect.x + rect.width);
    const bottom = Math.min(this.height, rect.y + rect.height);
    for (let y = Math.max(0, rect.y); y < bottom; y++) {
      const from = y * this.width + Math.max(0, rect.x);
      const to = y * this.width + right;
      this.#cut(from, to);
      this.text.fill(" ", from, to);
      this.fg.fill(style.fg, from, to);
      this.bg.fill(style.bg, from, to);
      this.flags.fill(style.flags, from, to);
    }
  }

  /** One grapheme of `width` cells; a wide one that does not fit becomes a blank. */
  put(x: number, y: number, grapheme: string, width: number, style: Style): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) {
      return;
    }
    const i = y * this.width + x;
    const fits = x + width <= this.width;
    this.#cut(i, fits ? i + width : i + 1);
    this.text[i] = fits ? grapheme : " ";
    this.fg[i] = style.fg;
    this.bg[i] = style.bg;
    this.flags[i] = style.flags;
    if (width === 2 && fits) {
      this.text[i + 1] = "";
      this.fg[i + 1] = style.fg;
      this.bg[i + 1] = style.bg;
      this.flags[i + 1] = style.flags;
    }
  }

  /**
   * Writes text that holds no control character, in at most `width` cells; what
   * does not fit ends in "…". Returns the cells used.
   */
  write(x: number, y: number, text: string, style: Style, width = this.width - x): number {
    if (width <= 0) {
      return 0;
    }
    if (isPlainAscii(text)) {
      const fits = text.length <= width;
      const count = fits ? text.length : width - 1;
      for (let i = 0; i < count; i++) {
        this.put(x + i, y, text[i] ?? " ", 1, style);
      }
      if (fits) {
        return count;
      }
      this.put(x + count, y, "…", 1, style);
      return width;
    }
    const graphemes: [string, number][] = [];
    let total = 0;
    eachGrapheme(text, (grapheme, cells) => {
      graphemes.push([grapheme, cells]);
      total += cells;
    });
    const room = total <= width ? width : width - 1;
    let used = 0;
    for (const [grapheme, cells] of graphemes) {
      if (used + cells > room) {
        break;
      }
      this.put(x + used, y, grapheme, cells, style);
      used += cells;
    }
    if (total > width) {
      this.put(x + used, y, "…", 1, style);
      used++;
    }
    return used;
  }

  /** Cells `from` up to `to` of a line. A wide grapheme that is cut in half becomes a blank. */
  writeLine(x: number, y: number, line: StyledLine, from: number, to: number): void {
    const end = Math.min(to, line.text.length);
    for (let i = from; i < end; i++) {
      const grapheme = line.text[i] ?? " ";
      const style = line.style[i] ?? PLAIN;
      if (grapheme === "") {
        if (i === from) {
          this.put(x, y, " ", 1, style);
        }
      } else {
        const wide = line.text[i + 1] === "";
        this.put(x + i - from, y, wide && i + 1 >= end ? " " : grapheme, wide && i + 1 < end ? 2 : 1, style);
      }
    }
  }

  /** Copies a rectangle of another grid of the same size. */
  copy(source: Grid, rect: Rect): void {
    const right = Math.min(this.width, rect.x + rect.width);
    const bottom = Math.min(this.height, rect.y + rect.height);
    for (let y = Math.max(0, rect.y); y < bottom; y++) {
      const from = y * this.width + Math.max(0, rect.x);
      const to = y * this.width + right;
      this.#cut(from, to);
      for (let i = from; i < to; i++) {
        this.text[i] = source.text[i] ?? " ";
        this.fg[i] = source.fg[i] ?? 0;
        this.bg[i] = source.bg[i] ?? 0;
        this.flags[i] = source.flags[i] ?? 0;
      }
      // Half of what the rectangle cuts through is not copied.
      if (from < to && this.text[from] === "") {
        this.text[from] = " ";
      }
      if (from < to && right < this.width && source.text[to] === "") {
        this.text[to - 1] = " ";
      }
    }
  }

  /** Cells `from` up to `to` of one row are about to be overwritten: of a wide grapheme half in them a blank is left. */
  #cut(from: number, to: number): void {
    if (this.text[from] === "") {
      this.text[from - 1] = " ";
    }
    if (to > from && to % this.width !== 0 && this.text[to] === "") {
      this.text[to] = " ";
    }
  }

  /** Takes color and weight from every cell of a rectangle and dims it: a dim color can hardly be read. */
  fade(rect: Rect): void {
    this.#eachCell(rect, (i) => {
      this.fg[i] = 0;
      this.bg[i] = 0;
      this.flags[i] = ((this.flags[i] ?? 0) & (INVERSE | UNDERLINE)) | DIM;
    });
  }

  /** Pushes a rectangle back behind what lies over it: dim, and underlined where it was inverse, which would outshine it. */
  recede(rect: Rect): void {
    this.#eachCell(rect, (i) => {
      const flags = this.flags[i] ?? 0;
      this.flags[i] = (flags & INVERSE ? flags ^ (INVERSE | UNDERLINE) : flags) | DIM;
    });
  }

  #eachCell(rect: Rect, visit: (index: number) => void): void {
    const right = Math.min(this.width, rect.x + rect.width);
    const bottom = Math.min(this.height, rect.y + rect.height);
    for (let y = Math.max(0, rect.y); y < bottom; y++) {
      for (let x = Math.max(0, rect.x); x < right; x++) {
        visit(y * this.width + x);
      }
    }
  }
}
