import stringWidth from "string-width";

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** A grapheme longer than this is cut: marks can be piled up without end. UTF-16 units. */
const GRAPHEME_LIMIT = 32;
const CACHE_LIMIT = 4096;
const widths = new Map<string, number>();

/** How many cells one grapheme takes: 0, 1 or 2. */
function graphemeWidth(grapheme: string): number {
  let width = widths.get(grapheme);
  if (width === undefined) {
    width = Math.min(2, stringWidth(grapheme));
    if (widths.size >= CACHE_LIMIT) {
      widths.clear();
    }
    widths.set(grapheme, width);
  }
  return width;
}

/** Whether every character is printable ASCII, one cell each. */
export function isPlainAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) {
      return false;
    }
  }
  return true;
}

/** Calls `visit` with each grapheme of `text` and its width in cells; those without width are left out. */
export function eachGrapheme(text: string, visit: (grapheme: string, width: number) => void): void {
  for (const { segment } of segmenter.segment(text)) {
    const grapheme = segment.length > GRAPHEME_LIMIT ? segment.slice(0, GRAPHEME_LIMIT) : segment;
    const width = graphemeWidth(grapheme);
    if (width > 0) {
      visit(grapheme, width);
    }
  }
}
