import { type FilteredLine, filteredIndex } from "./log-filter.ts";
import { type LogPattern, matches } from "./log-pattern.ts";
import { type LogWindow, visitLines } from "./log-window.ts";

/** Where in the output the search's pattern fits. */
export interface LogMatches {
  readonly pattern: LogPattern;
  /** Of the lines that fit, in order. */
  readonly offsets: readonly number[];
  /** Whether there were more than are remembered: the oldest are left out. */
  readonly more: boolean;
  /** Up to where the output has been looked through. */
  readonly to: number;
}

/** Matches that are remembered. */
const LIMIT = 100_000;

/** Nothing has been looked at yet. */
export function noMatches(pattern: LogPattern): LogMatches {
  return { pattern, offsets: [], more: false, to: 0 };
}

/** Looks through more output, in order. What does not touch what was looked through before is left to the scan. */
export function matchesIn(found: LogMatches, window: LogWindow, complete: boolean): LogMatches {
  if (window.from > found.to || (window.to <= found.to && !complete)) {
    return found;
  }
  const fresh: number[] = [];
  const to = visitLines(window, found.to, complete, (line) => {
    if (matches(found.pattern, line)) {
      fresh.push(line.offset);
    }
  });
  if (fresh.length === 0) {
    return to === found.to ? found : { ...found, to };
  }
  const offsets = found.offsets.concat(fresh);
  return { ...found, offsets: offsets.slice(-LIMIT), more: found.more || offsets.length > LIMIT, to };
}

/** Looks through what a filter lets through, context included, in order. */
export function matchesAmong(found: LogMatches, lines: readonly FilteredLine[]): LogMatches {
  const to = lines.at(-1)?.line.next ?? 0;
  if (to <= found.to) {
    return found;
  }
  const fresh: number[] = [];
  for (let i = filteredIndex(lines, found.to); i < lines.length; i++) {
    const line = lines[i]?.line;
    if (line && matches(found.pattern, line)) {
      fresh.push(line.offset);
    }
  }
  return { ...found, offsets: fresh.length === 0 ? found.offsets : found.offsets.concat(fresh).slice(-LIMIT), to };
}

/** Which of the matches that are still kept a line is, from 1 on, and how many there are; place 0: it is none of them. */
export function matchPlace(
  { offsets }: LogMatches,
  first: number,
  offset: number | null,
): { readonly place: number; readonly count: number } {
  const dropped = lowerBound(offsets, first);
  const at = offset === null ? -1 : lowerBound(offsets, offset);
  return { place: at >= dropped && offsets[at] === offset ? at - dropped + 1 : 0, count: offsets.length - dropped };
}

/** The index of the first value that is not less. */
function lowerBound(values: readonly number[], least: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < least) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
