import { INVISIBLE } from "./styled-line.ts";
import { eachGrapheme, isPlainAscii } from "./width.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g;

/** The whole text, harmless: every control character as a sign, a line break as "↵". */
export function visibleText(text: string): string {
  return text.replace(INVISIBLE, "").replace(CONTROL, (character) => {
    const code = character.charCodeAt(0);
    if (character === "\n") {
      return "↵";
    }
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\u00b7";
  });
}

/** How many cells a text takes that holds no control character. */
export function textWidth(text: string): number {
  if (isPlainAscii(text)) {
    return text.length;
  }
  let width = 0;
  eachGrapheme(text, (_grapheme, cells) => {
    width += cells;
  });
  return width;
}

/**
 * Breaks a text into lines of at most `width` cells, between words where there
 * are any. Nothing is lost but the blank at a break. Its own line breaks are kept.
 */
export function wrapText(text: string, width: number): readonly string[] {
  return text.split("\n").flatMap((line) => wrapLine(visibleText(line), Math.max(1, width)));
}

function wrapLine(line: string, width: number): readonly string[] {
  const ascii = isPlainAscii(line);
  if (ascii && line.length <= width) {
    return [line];
  }
  const graphemes: string[] = [];
  const widths: number[] = [];
  eachCell(line, ascii, (grapheme, cells) => {
    graphemes.push(grapheme);
    widths.push(cells);
  });
  const lines: string[] = [];
  let start = 0;
  let used = 0;
  let blank = -1;
  const breakAt = (end: number, next: number): void => {
    lines.push(graphemes.slice(start, end).join(""));
    start = next;
    blank = -1;
  };
  for (let i = 0; i < graphemes.length; i++) {
    const cells = widths[i] ?? 0;
    const isBlank = graphemes[i] === " ";
    if (used + cells > width && i > start) {
      if (isBlank) {
        breakAt(i, i + 1);
        used = 0;
        continue;
      }
      if (blank > start) {
        breakAt(blank, blank + 1);
      } else {
        breakAt(i, i);
      }
      used = widths.slice(start, i).reduce((sum, each) => sum + each, 0);
    }
    if (isBlank) {
      blank = i;
    }
    used += cells;
  }
  if (start < graphemes.length || lines.length === 0) {
    lines.push(graphemes.slice(start).join(""));
  }
  return lines;
}

/** Most text is ASCII, one cell each: a tenth of the time. */
function eachCell(line: string, ascii: boolean, visit: (grapheme: string, cells: number) => void): void {
  if (!ascii) {
    eachGrapheme(line, visit);
    return;
  }
  for (const character of line) {
    visit(character, 1);
  }
}
