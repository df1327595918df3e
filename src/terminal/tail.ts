/** Lines of earlier output that an attachment begins with. */
export const TAIL_LINES = 20;

const NEWLINE = 0x0a;

/**
 * Where the last `lines` lines begin, as an index; undefined if that is not
 * within `text`. A last line without a newline counts.
 */
export function lastLines(text: Buffer, lines: number): number | undefined {
  let start = text.length;
  for (let left = lines; left > 0; left--) {
    // The newline right before `start` ends the line that is looked for.
    start = start < 2 ? 0 : text.lastIndexOf(NEWLINE, start - 2) + 1;
    if (start === 0) {
      return undefined;
    }
  }
  return start;
}
