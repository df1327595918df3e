import { type LogPattern, matches } from "./log-pattern.ts";
import { type LogLine, type LogWindow, visitLines } from "./log-window.ts";

/** Lines that fit the pane's filter, with their context. */
export interface FilteredLog {
  readonly pattern: LogPattern;
  /** Lines shown before and after one that fits. */
  readonly context: number;
  /** In order of offset. */
  readonly lines: readonly FilteredLine[];
  /** How many lines fit so far, those that are no longer kept included. */
  readonly matches: number;
  /** Up to where the output has been looked through. */
  readonly to: number;
  /** Lines before a match that may come: the last `context` ones that do not fit. */
  readonly before: readonly LogLine[];
  /** How many lines after the last match are still to be shown. */
  readonly after: number;
}

export interface FilteredLine {
  readonly line: LogLine;
  readonly match: boolean;
  /** Whether lines between it and the previous one are left out. */
  readonly separated: boolean;
}

/** Lines and bytes that a filter keeps; the oldest give way. */
const FILTERED_LINES = 5000;
const FILTERED_BYTES = 4 << 20;

/** A filter that has looked at nothing yet. */
export function emptyFilter(pattern: LogPattern, context: number): FilteredLog {
  return { pattern, context, lines: [], matches: 0, to: 0, before: [], after: 0 };
}

/** Index of the first line at or after an offset. */
export function filteredIndex(lines: readonly FilteredLine[], offset: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lines[middle]?.line.offset ?? 0) < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Looks through more output, in order. What does not touch what was looked through before is left to the scan. */
export function filterOn(filtered: FilteredLog, more: LogWindow, complete: boolean): FilteredLog {
  if (more.from > filtered.to) {
    return filtered;
  }
  const lines = filtered.lines.slice();
  let { matches: count, after } = filtered;
  const before = filtered.before.slice();
  const to = visitLines(more, filtered.to, complete, (line) => {
    if (matches(filtered.pattern, line)) {
      count++;
      const previous = lines.at(-1)?.line;
      const first = before[0] ?? line;
      const separated = previous !== undefined && previous.next < first.offset;
      for (const [i, context] of before.entries()) {
        lines.push({ line: keep(context), match: false, separated: separated && i === 0 });
      }
      lines.push({ line: keep(line), match: true, separated: separated && before.length === 0 });
      before.length = 0;
      after = filtered.context;
    } else if (after > 0) {
      lines.push({ line: keep(line), match: false, separated: false });
      after--;
    } else if (filtered.context > 0) {
      before.push(keep(line));
      if (before.length > filtered.context) {
        before.shift();
      }
    }
  });
  let bytes = 0;
  let from = lines.length;
  while (from > 0 && lines.length - from < FILTERED_LINES && bytes < FILTERED_BYTES) {
    from--;
    bytes += lines[from]?.line.data.length ?? 0;
  }
  return { ...filtered, lines: from > 0 ? lines.slice(from) : lines, matches: count, to, before, after };
}

/** A line of its own: without the piece of output around it. */
function keep(line: LogLine): LogLine {
  return line.data.buffer.byteLength > line.data.length * 2 ? { ...line, data: line.data.slice() } : line;
}
