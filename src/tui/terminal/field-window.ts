import { eachGrapheme } from "./width.ts";
import { textWidth, visibleText } from "./wrap.ts";

/** The part of a line of text that is in view: around its cursor. */
export interface FieldWindow {
  readonly before: string;
  /** What the cursor is on, a blank at the end. */
  readonly under: string;
  readonly after: string;
}

/** Graphemes of the text that fit in so many cells. */
function fitting(graphemes: readonly (readonly [text: string, cells: number])[], room: number): string[] {
  const taken: string[] = [];
  let left = room;
  for (const [text, cells] of graphemes) {
    left -= cells;
    if (left < 0) {
      break;
    }
    taken.push(text);
  }
  return taken;
}

function graphemesOf(text: string): [text: string, cells: number][] {
  const graphemes: [string, number][] = [];
  eachGrapheme(visibleText(text), (grapheme, cells) => graphemes.push([grapheme, cells]));
  return graphemes;
}

/** What is shown of a text in `width` cells: what is before the cursor as far as there is room, then what is after it. */
export function fieldWindow(text: string, cursor: number, width: number): FieldWindow {
  const at = String.fromCodePoint(text.codePointAt(cursor) ?? 0x20);
  const under = visibleText(at) || " ";
  const room = Math.max(0, width - textWidth(under));
  // No more of a long text is looked at than can be in view; a grapheme may be of several characters.
  const reach = width * 8;
  const left = graphemesOf(text.slice(Math.max(0, cursor - reach), cursor)).reverse();
  const before = fitting(left, room).reverse().join("");
  const right = graphemesOf(text.slice(cursor + at.length, cursor + at.length + reach));
  return { before, under, after: fitting(right, room - textWidth(before)).join("") };
}
