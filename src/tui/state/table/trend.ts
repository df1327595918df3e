import type { ProcessUsage } from "../../../sdk/types.ts";
import { sparkline } from "../../text/format.ts";
import type { PersistentMap } from "./persistent-map.ts";

/** Some samples in order of time, in arrays of one length. */
interface Samples {
  /** Milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly cpu: readonly number[];
  readonly memory: readonly number[];
}

/** What a process has used over the last ten minutes. */
export interface Trend {
  readonly id: string;
  /** Full pieces, oldest first. */
  readonly before: readonly Samples[];
  /** The piece that is being filled: a new sample copies no more than this. */
  readonly recent: Samples;
}

export type Trends = PersistentMap<Trend>;

/** How far back trends go. Milliseconds. */
export const TREND_MS = 10 * 60_000;
const PIECE = 60;
/** Processes whose trends are kept: for each of them some 15 kB. The longest out of view go first. */
const LIMIT = 1000;
const KEPT = 900;

const NOTHING: Samples = { times: [], cpu: [], memory: [] };

/** Adds what a sample says of the processes that `isWanted` names. */
export function recordTrends(
  trends: Trends,
  usages: readonly ProcessUsage[],
  time: number,
  isWanted: (id: string) => boolean,
): Trends {
  const editor = trends.edit();
  for (const usage of usages) {
    // The first sample of a stream has no percentage.
    if (usage.cpuPercent !== undefined && isWanted(usage.id)) {
      const trend = editor.get(usage.id) ?? { id: usage.id, before: [], recent: NOTHING };
      editor.set(usage.id, withSample(trend, time, usage.cpuPercent, usage.residentBytes));
    }
  }
  const next = editor.done();
  return next.size > LIMIT ? newest(next) : next;
}

function lastTime({ before, recent }: Trend): number {
  return recent.times.at(-1) ?? before.at(-1)?.times.at(-1) ?? Number.NEGATIVE_INFINITY;
}

function withSample(trend: Trend, time: number, cpu: number, memory: number): Trend {
  if (time <= lastTime(trend)) {
    return trend;
  }
  const { recent, before } = trend;
  const next: Samples = {
    times: [...recent.times, time],
    cpu: [...recent.cpu, cpu],
    memory: [...recent.memory, memory],
  };
  return next.times.length < PIECE
    ? { ...trend, recent: next }
    : {
        ...trend,
        before: [...before, next].filter(({ times }) => (times.at(-1) ?? 0) > time - TREND_MS),
        recent: NOTHING,
      };
}

function newest(trends: Trends): Trends {
  const editor = trends.edit();
  const oldestFirst = [...trends.values()].sort((a, b) => lastTime(a) - lastTime(b));
  for (const { id } of oldestFirst.slice(0, trends.size - KEPT)) {
    editor.delete(id);
  }
  return editor.done();
}

/** Without those of processes that are no longer known. */
export function knownTrends(trends: Trends, isKnown: (id: string) => boolean): Trends {
  const editor = trends.edit();
  for (const { id } of trends.values()) {
    if (!isKnown(id)) {
      editor.delete(id);
    }
  }
  return editor.done();
}

/** What one cell stands for, at most ten minutes in all. Seconds. */
const STEPS = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600];

/**
 * The trend in so many cells, the newest last: in each the most of its time;
 * null where nothing is known. The shorter it is, the less a cell stands for.
 */
export function trendCells(trend: Trend, cells: number, what: "cpu" | "memory"): readonly (number | null)[] {
  const pieces = [...trend.before, trend.recent];
  const end = lastTime(trend);
  const begin = Math.max(end - TREND_MS, pieces.find(({ times }) => times.length > 0)?.times[0] ?? end);
  const seconds = (end - begin) / 1000;
  const step = 1000 * (STEPS.find((each) => seconds <= each * (cells - 1)) ?? 600);
  // Cells begin at whole steps: what is in one stays in it until all move on.
  const last = Math.floor(end / step);
  const result = new Array<number | null>(cells).fill(null);
  for (const piece of pieces) {
    for (const [i, time] of piece.times.entries()) {
      const cell = cells - 1 - (last - Math.floor(time / step));
      const value = piece[what][i] ?? 0;
      if (cell >= 0) {
        result[cell] = Math.max(result[cell] ?? 0, value);
      }
    }
  }
  return result;
}

/** What was drawn last of each trend, until it has changed. */
const drawn = new WeakMap<Trend, Map<string, string>>();

function cached(trend: Trend, key: string, draw: () => string): string {
  const texts = drawn.get(trend) ?? new Map<string, string>();
  drawn.set(trend, texts);
  const text = texts.get(key) ?? draw();
  texts.set(key, text);
  return text;
}

/** As high as the most, or a tenth of a processor. */
export function cpuTrendText(trend: Trend, cells: number): string {
  return cached(trend, `cpu ${cells}`, () => sparkline(trendCells(trend, cells, "cpu"), 0, 10));
}

/** From the least to the most, or a tenth of the most: growth is seen, and what is steady is a low line. */
export function memoryTrendText(trend: Trend, cells: number): string {
  return cached(trend, `memory ${cells}`, () => {
    const values = trendCells(trend, cells, "memory");
    const known = values.filter((value) => value !== null);
    const least = Math.min(...known);
    return sparkline(values, least, least + Math.max(1, ...known) / 10);
  });
}
