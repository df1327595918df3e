/** Plain tables: columns padded to their widest cell, two blanks between them. */
import type { Paint, Style } from "./color.ts";

export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

export interface TableOptions {
  readonly paint: Paint;
  /** Cut each line to this many columns. @default no limit */
  readonly width?: number;
  /** Titles of columns whose cells are numbers. */
  readonly alignRight?: ReadonlySet<string>;
}

/** What a name or an id needs to be told from others. */
const leastCellWidth = 16;

/** Lines, each with its newline. Cells must be free of control characters. */
export function renderTable(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions,
): string {
  // Nothing stands behind the last column, which is also the longest: it needs no measuring.
  const widths = titles.map((title, column) =>
    column === titles.length - 1
      ? 0
      : rows.reduce((width, row) => Math.max(width, displayWidth(row[column]?.text ?? "")), title.length),
  );
  if (options.width !== undefined) {
    // One long cell must not push all that is right of it out of sight.
    const most = Math.max(leastCellWidth, Math.floor(options.width / 3));
    widths.forEach((width, column) => {
      widths[column] = Math.min(width, most);
    });
  }
  const header = titles.map((title): Cell => ({ text: title, style: "bold" }));
  return [header, ...rows].map((row) => `${renderRow(row, titles, widths, options)}\n`).join("");
}

function renderRow(
  row: readonly Cell[],
  titles: readonly string[],
  widths: readonly number[],
  { paint, width = Number.POSITIVE_INFINITY, alignRight }: TableOptions,
): string {
  let line = "";
  let used = 0;
  for (const [column, { text, style }] of row.entries()) {
    const last = column === row.length - 1;
    const gap = column === 0 ? 0 : 2;
    if (used + gap >= width) {
      break;
    }
    const left = width - used - gap;
    const room = last || width === Number.POSITIVE_INFINITY ? left : Math.min(left, widths[column] ?? left);
    const clipped = clip(text, room);
    const painted = style === undefined ? clipped : paint(style, clipped);
    if (last) {
      line += " ".repeat(gap) + painted;
      break;
    }
    const blanks = Math.max(0, Math.min(widths[column] ?? 0, room) - displayWidth(clipped));
    const right = alignRight?.has(titles[column] ?? "") === true;
    const padding = " ".repeat(blanks);
    line += " ".repeat(gap) + (right ? padding + painted : painted + padding);
    used += gap + Math.max(widths[column] ?? 0, displayWidth(clipped));
  }
  return line.trimEnd();
}

/** Cuts text to a width; an ellipsis marks the cut. */
function clip(text: string, width: number): string {
  if (width === Number.POSITIVE_INFINITY || displayWidth(text) <= width) {
    return text;
  }
  let clipped = "";
  let used = 0;
  for (const character of text) {
    const next = displayWidth(character);
    if (used + next > width - 1) {
      break;
    }
    clipped += character;
    used += next;
  }
  return `${clipped}…`;
}

const ascii = /^[\x20-\x7e]*$/;
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const zero = /\p{Mn}|\p{Me}|\p{Cf}/u;

/** Columns that a terminal uses for the text (Unicode Standard Annex #11, ambiguous ones narrow). */
function displayWidth(text: string): number {
  if (ascii.test(text)) {
    return text.length;
  }
  let width = 0;
  for (const character of text) {
    width += zero.test(character) ? 0 : wide.test(character) ? 2 : 1;
  }
  return width;
}
