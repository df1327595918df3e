import { parseLine, type StyledLine } from "../../terminal/styled-line.ts";
import { type Expression, literal, regularExpression } from "../../text/expression.ts";
import type { LogLine } from "./log-window.ts";

/** What is searched for: text, or with a leading "~" a regular expression; capitals make it case-sensitive. */
export interface LogPattern {
  readonly text: string;
  readonly expression: Expression;
}

const decoder = new TextDecoder("utf-8");

/** Compiles what was typed; null if it is empty or not (yet) a regular expression. */
export function logPattern(text: string): LogPattern | null {
  const isExpression = text.startsWith("~");
  const body = isExpression ? text.slice(1) : text;
  if (body === "") {
    return null;
  }
  // The capital of `\S` is none.
  const ignoreCase = !/\p{Lu}/u.test(isExpression ? body.replace(/\\(?:[pP]\{[^}]*\}|.)/gs, "") : body);
  const expression = isExpression ? regularExpression(body, ignoreCase) : literal(body, ignoreCase);
  return expression && { text, expression };
}

/** Whether something was typed that is not (yet) a regular expression. */
export function isBrokenPattern(text: string): boolean {
  return text !== "" && text !== "~" && logPattern(text) === null;
}

/** Whether each of the first `count` bytes is a printable ASCII character, one cell each. */
function beginsPlain(data: Uint8Array, count: number): boolean {
  for (let i = 0; i < count; i++) {
    const byte = data[i] ?? 0;
    if (byte < 0x20 || byte > 0x7e) {
      return false;
    }
  }
  return true;
}

/** How a line is to be turned into cells. */
export interface LineStyle {
  /** Not many more cells than this are made. */
  readonly enough?: number | undefined;
  /** Whether its end may still be on its way: half a character or half a sequence is not shown. */
  readonly partial?: boolean;
}

/** The line's text as cells. */
export function styleLine(line: LogLine, { enough, partial = false }: LineStyle = {}): StyledLine {
  const end = line.data.length > 0 && line.data[line.data.length - 1] === 13 ? line.data.length - 1 : line.data.length;
  const data = end === line.data.length ? line.data : line.data.subarray(0, end);
  // What is far to the right may come back to the left.
  const limit = data.includes(13) || data.includes(8) ? undefined : enough;
  const seen = limit !== undefined && limit < data.length && beginsPlain(data, limit) ? data.subarray(0, limit) : data;
  return parseLine(textOf(seen, partial), limit, partial);
}

/** The line's text alone, as searches see it. */
export function lineText(line: LogLine, partial = false): string {
  const text = textOf(line.data, partial);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return /[\x00-\x1f\x7f-\x9f]/.test(text) ? parseLine(text, undefined, partial).text.join("") : text;
}

function textOf(data: Uint8Array, partial: boolean): string {
  return decoder.decode(partial ? withoutCutCharacter(data) : data);
}

/** Bytes without the beginning of a character (UTF-8) whose other bytes may be on their way. */
function withoutCutCharacter(data: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(3, data.length); back++) {
    const byte = data[data.length - back] ?? 0;
    if ((byte & 0xc0) !== 0x80) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
      return length > back ? data.subarray(0, data.length - back) : data;
    }
  }
  return data;
}

export function matches(pattern: LogPattern, line: LogLine): boolean {
  return !line.gap && pattern.expression.test(lineText(line));
}

/** Cells of a line, as [first, behind the last], that a pattern fits. */
export function matchingCells(pattern: LogPattern, line: StyledLine): readonly (readonly [number, number])[] {
  const text = line.text.join("");
  const places = pattern.expression.places(text);
  if (places.length === 0) {
    return [];
  }
  // Which cell each character of the text is in.
  const cells: number[] = [];
  for (const [cell, grapheme] of line.text.entries()) {
    for (let i = 0; i < grapheme.length; i++) {
      cells.push(cell);
    }
  }
  return places.map(([first, end]) => [cells[first] ?? 0, (cells[end - 1] ?? 0) + 1] as const);
}
