import type { LogState } from "./log.ts";
import type { FilteredLog } from "./log-filter.ts";
import { filteredIndex } from "./log-filter.ts";
import { type LogLine, type LogWindow, lineAt, previousLine } from "./log-window.ts";

/** The lines that the pane goes through: those of the window, or those that the filter lets through. */
export interface LogLines {
  /** Behind the last line. */
  readonly end: number;
  /** The line at an offset, or the first one after it; null behind the last. */
  at(offset: number): LogLine | null;
  /** Where the line before an offset begins; null before the first. */
  before(offset: number): number | null;
}

function windowLines(window: LogWindow): LogLines {
  return {
    end: window.to,
    at: (offset) => lineAt(window, offset),
    before: (offset) => previousLine(window, offset),
  };
}

function filteredLines({ lines }: FilteredLog): LogLines {
  return {
    end: lines.at(-1)?.line.next ?? 0,
    at: (offset) => lines[filteredIndex(lines, offset)]?.line ?? null,
    before: (offset) => lines[filteredIndex(lines, offset) - 1]?.line.offset ?? null,
  };
}

export function logLines(log: LogState): LogLines {
  return log.filtered ? filteredLines(log.filtered) : windowLines(log.window);
}
