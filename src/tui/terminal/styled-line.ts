import { applySgr, DIM, PLAIN, type Style } from "./style.ts";
import { eachGrapheme } from "./width.ts";

/**
 * A line as cells, safe to paint. `text[i]` is the grapheme of cell i, or ""
 * for the second cell of a wide one.
 */
export interface StyledLine {
  readonly text: string[];
  readonly style: Style[];
}

const TAB = 8;
/** Cells of one line at most; the rest is cut. */
const CELL_LIMIT = 32_768;

/** Direction overrides and isolates, zero-width spaces, byte order marks: they can make a line read as what it is not. */
export const INVISIBLE = /[\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function isControl(code: number): boolean {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

/** Nothing ends a sequence: it is none. */
const NEVER = -1;
/** The text ends within a sequence. */
const CUT = -2;
/** The longest sequence whose end is waited for. UTF-16 units. */
const SEQUENCE_LIMIT = 4096;

/** Where the control sequence ends whose parameters begin at `body`; or {@link NEVER}, or {@link CUT}. */
function endOfCsi(text: string, body: number): number {
  for (let i = body; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x40 && code <= 0x7e) {
      return i + 1;
    }
    if (code < 0x20 || code > 0x3f) {
      return NEVER;
    }
  }
  return CUT;
}

/** The same for a control string (OSC, DCS, SOS, PM, APC), which ST or BEL ends. */
function endOfString(text: string, body: number): number {
  for (let i = body; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x07 || code === 0x9c) {
      return i + 1;
    }
    if (code === 0x1b) {
      return i + 1 === text.length ? CUT : text.charCodeAt(i + 1) === 0x5c ? i + 2 : NEVER;
    }
  }
  return CUT;
}

/** Where the sequence ends that begins at `i`, or {@link NEVER}, or {@link CUT}; and its parameters if it is an SGR. */
function sequenceAt(text: string, i: number): { readonly end: number; readonly parameters: string | null } {
  const code = text.charCodeAt(i);
  // C1 controls (U+0080 to U+009F) are ESC and the letter 0x40 below (ECMA-48, 5.3).
  const kind = code === 0x1b ? text.charCodeAt(i + 1) : code - 0x40;
  const body = code === 0x1b ? i + 2 : i + 1;
  const other = (end: number): { end: number; parameters: null } => ({ end, parameters: null });
  if (kind === 0x5b) {
    const end = endOfCsi(text, body);
    return { end, parameters: end > 0 && text[end - 1] === "m" ? text.slice(body, end - 1) : null };
  }
  if (kind === 0x5d || kind === 0x50 || kind === 0x58 || kind === 0x5e || kind === 0x5f) {
    return other(endOfString(text, body));
  }
  if (code !== 0x1b) {
    return other(i + 1);
  }
  if (kind >= 0x20 && kind <= 0x2f) {
    // Such as ESC ( B: intermediates, then one final character.
    let end = body;
    while (end < text.length && text.charCodeAt(end) >= 0x20 && text.charCodeAt(end) <= 0x2f) {
      end++;
    }
    return other(end < text.length ? end + 1 : CUT);
  }
  return other(Number.isNaN(kind) ? CUT : kind >= 0x30 && kind <= 0x7e ? i + 2 : NEVER);
}

/** Whether a text that begins with ESC has the end of the sequence, or is none; else its end may be on its way. */
export function sequenceEnds(text: string): boolean {
  return sequenceAt(text, 0).end !== CUT || text.length >= SEQUENCE_LIMIT;
}

/**
 * Turns one line of a process's output into cells. Colors and the like (SGR)
 * are kept, tabs expanded, carriage return and backspace move as on a terminal;
 * every other control sequence is dropped, and what only looks like one, or
 * never ends, is shown with its control characters as symbols. Nothing that
 * is returned can act on a terminal. No more than `limit` cells are made.
 * `partial` says that the rest may be on its way: a sequence that the end cuts
 * is not shown.
 */
export function parseLine(text: string, limit = CELL_LIMIT, partial = false): StyledLine {
  const cells: string[] = [];
  const styles: Style[] = [];
  let style = PLAIN;
  let x = 0;

  const put = (grapheme: string, width: number, put: Style = style): void => {
    if (x + width > limit) {
      return;
    }
    // Half of a wide grapheme that is overwritten leaves a blank.
    if (cells[x] === "" && x > 0) {
      cells[x - 1] = " ";
    }
    if (cells[x + width] === "") {
      cells[x + width] = " ";
    }
    cells[x] = grapheme;
    styles[x] = put;
    if (width === 2) {
      cells[x + 1] = "";
      styles[x + 1] = put;
    }
    x += width;
  };
  const symbol = (code: number): void =>
    put(code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\u00b7", 1, {
      ...style,
      flags: style.flags | DIM,
    });

  let i = 0;
  while (i < text.length && x < limit) {
    let code = text.charCodeAt(i);
    if (!isControl(code)) {
      let end = i + 1;
      let ascii = code < 0x7f;
      for (; end < text.length; end++) {
        code = text.charCodeAt(end);
        if (isControl(code)) {
          break;
        }
        ascii &&= code < 0x7f;
      }
      if (ascii) {
        for (; i < end && x < limit; i++) {
          put(text[i] ?? " ", 1);
        }
      } else {
        eachGrapheme(text.slice(i, end).replace(INVISIBLE, ""), put);
      }
      i = end;
      continue;
    }
    if (code === 0x09) {
      const to = Math.min(limit, x - (x % TAB) + TAB);
      while (x < to) {
        put(" ", 1);
      }
      i++;
    } else if (code === 0x0d) {
      x = 0;
      i++;
    } else if (code === 0x08) {
      x = Math.max(0, x - 1);
      i++;
    } else if (code === 0x1b || code >= 0x80) {
      const { end, parameters } = sequenceAt(text, i);
      if (parameters !== null && /^[0-9;:]{0,256}$/.test(parameters)) {
        style = applySgr(style, parameters);
      }
      if (end > 0) {
        i = end;
      } else if (end === CUT && partial && text.length - i < SEQUENCE_LIMIT) {
        break;
      } else {
        symbol(code);
        i++;
      }
    } else {
      symbol(code);
      i++;
    }
  }
  for (let k = 0; k < cells.length; k++) {
    if (cells[k] === undefined) {
      cells[k] = " ";
      styles[k] = PLAIN;
    }
  }
  return { text: cells, style: styles };
}

/** Where the rows of a line begin that is wrapped at `width` cells: a wide grapheme that does not fit goes to the next. */
export function wrapStarts({ text }: StyledLine, width: number): readonly number[] {
  const starts = [0];
  for (let end = width; end < text.length; end += width) {
    if (text[end] === "" && width > 1) {
      end--;
    }
    starts.push(end);
  }
  return starts;
}

/** The text of `parseLine` without style: for copying, and for one-line labels. */
export function plainText(text: string): string {
  return parseLine(text).text.join("");
}
