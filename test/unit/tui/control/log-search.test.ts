import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LogSearch } from "../../../../src/tui/control/log-search.ts";
import { EMPTY_LOG, type LogState } from "../../../../src/tui/state/log/log.ts";
import { type LogPattern, logPattern } from "../../../../src/tui/state/log/log-pattern.ts";
import type { SearchDirection } from "../../../../src/tui/state/log/log-update.ts";
import { EMPTY_WINDOW, type LogWindow, windowOf } from "../../../../src/tui/state/log/log-window.ts";

/** A daemon that keeps a text from `first` on. */
function daemonWith(text: string, first: number) {
  const reads: number[] = [];
  return {
    reads,
    read: async (from: number, bytes: number) => {
      reads.push(from);
      const begin = Math.max(from, first);
      const end = Math.min(text.length, from + bytes);
      return { window: part(text, begin, end, from), output: { firstOffset: first, nextOffset: text.length } };
    },
  };
}

function part(text: string, from: number, to: number, windowFrom = from): LogWindow {
  const data = Buffer.from(text.slice(from, to));
  return windowOf(
    windowFrom,
    Math.max(to, windowFrom),
    to > from ? [{ kind: "data", stream: "stdout", offset: from, end: to, time: 0, data }] : [],
  );
}

function linesOf(text: string): { offset: number; text: string }[] {
  const lines: { offset: number; text: string }[] = [];
  let offset = 0;
  for (const line of text.split("\n").slice(0, -1)) {
    lines.push({ offset, text: line });
    offset += line.length + 1;
  }
  return lines;
}

/** The line that is meant, by looking at all of them. */
function expected(text: string, word: string, from: number, direction: SearchDirection, inclusive: boolean) {
  const fits = linesOf(text).filter((line) => line.text.includes(word));
  const found =
    direction === "forwards"
      ? fits.find(({ offset }) => offset > from || (inclusive && offset === from))
      : fits.findLast(({ offset }) => offset < from);
  const round = direction === "forwards" ? fits[0] : fits.at(-1);
  return found ? { offset: found.offset, wrapped: false } : round ? { offset: round.offset, wrapped: true } : null;
}

function searchIn(text: string, word: string, window: LogWindow, first: number, chunk: number) {
  const daemon = daemonWith(text, first);
  const log: LogState = { ...EMPTY_LOG, target: { id: "p", run: 1 }, opened: true, first, next: text.length, window };
  const search = new LogSearch(log, logPattern(word) as LogPattern, daemon.read, new AbortController().signal, chunk);
  return { search, reads: daemon.reads };
}

test("a search through output of which nothing is known yet begins at its end", async () => {
  const text = "needle 1\nhay\nneedle 2\nhay\n";
  const daemon = daemonWith(text, 0);
  const log: LogState = { ...EMPTY_LOG, target: { id: "p", run: 1 } };
  const search = new LogSearch(log, logPattern("needle") as LogPattern, daemon.read, new AbortController().signal);
  expect(await search.run(Number.MAX_SAFE_INTEGER, "backwards", false)).toEqual({ offset: 13, wrapped: false });
});

describe("a search through the output", () => {
  const text = Array.from({ length: 60 }, (_, i) => `line ${i}\n`).join("");
  const at = (line: number): number => linesOf(text)[line]?.offset ?? -1;

  test("takes the line on top, then the next ones, then goes on at the other end", async () => {
    const { search } = searchIn(text, "line 1", EMPTY_WINDOW, 0, 100);
    expect(await search.run(at(1), "forwards", true)).toEqual({ offset: at(1), wrapped: false });
    expect(await search.run(at(1), "forwards", false)).toEqual({ offset: at(10), wrapped: false });
    expect(await search.run(at(19), "forwards", false)).toEqual({ offset: at(1), wrapped: true });
    expect(await search.run(at(1), "backwards", false)).toEqual({ offset: at(19), wrapped: true });
  });

  test("asks the daemon for nothing that is at hand, and finds what it no longer keeps", async () => {
    const { search, reads } = searchIn(text, "line 12", part(text, 0, text.length), at(40), 100);
    expect(await search.run(at(30), "backwards", false)).toEqual({ offset: at(12), wrapped: false });
    expect(reads).toEqual([]);
  });

  test("a line that fits alone is found again", async () => {
    const { search } = searchIn(text, "line 33", EMPTY_WINDOW, 0, 64);
    expect(await search.run(at(33), "forwards", false)).toEqual({ offset: at(33), wrapped: true });
    expect(await search.run(at(33), "backwards", false)).toEqual({ offset: at(33), wrapped: true });
  });

  test("finds what reading all of it finds, however it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("a", "b", "ab", "", "aab", "x".repeat(30)), { minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 40, max: 200 }),
        fc.constantFrom<SearchDirection>("forwards", "backwards"),
        fc.boolean(),
        async (words, startSeed, windowSeed, sizeSeed, chunk, direction, inclusive) => {
          const whole = words.map((word) => `${word}\n`).join("");
          const starts = linesOf(whole).map(({ offset }) => offset);
          const from = starts[startSeed % starts.length] ?? 0;
          const windowFrom = starts[windowSeed % starts.length] ?? 0;
          const windowTo = Math.min(whole.length, windowFrom + (sizeSeed % 120));
          const { search } = searchIn(whole, "ab", part(whole, windowFrom, windowTo), 0, chunk);
          expect(await search.run(from, direction, inclusive)).toEqual(
            expected(whole, "ab", from, direction, inclusive),
          );
        },
      ),
      { numRuns: 1000 },
    );
  });
});
