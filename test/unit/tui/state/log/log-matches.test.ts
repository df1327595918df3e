import { expect, test } from "vitest";
import {
  appendLive,
  EMPTY_LOG,
  mergeScan,
  neededScan,
  openLog,
  setPattern,
} from "../../../../../src/tui/state/log/log.ts";
import { matchesIn, matchPlace, noMatches } from "../../../../../src/tui/state/log/log-matches.ts";
import { type LogPattern, logPattern } from "../../../../../src/tui/state/log/log-pattern.ts";
import { type LogWindow, windowOf } from "../../../../../src/tui/state/log/log-window.ts";

function pattern(text: string): LogPattern {
  const compiled = logPattern(text);
  if (!compiled) {
    throw new Error(`${text} is no pattern`);
  }
  return compiled;
}

function piece(from: number, text: string): LogWindow {
  const data = Buffer.from(text);
  const item = { kind: "data", stream: "stdout", offset: from, end: from + data.length, time: 0, data } as const;
  return windowOf(from, from + data.length, [item]);
}

const text = "error a\nfine\nerror b\nerr\nerror c\n";

test("however the output is cut, the same lines are found", () => {
  const whole = matchesIn(noMatches(pattern("error")), piece(0, text), false).offsets;
  expect(whole).toEqual([0, 13, 25]);
  for (let cut = 1; cut < text.length; cut++) {
    // What was not over is looked at again, with what comes after it.
    const first = matchesIn(noMatches(pattern("error")), piece(0, text.slice(0, cut)), false);
    const rest = matchesIn(first, piece(first.to, text.slice(first.to)), false);
    expect([cut, rest.offsets]).toEqual([cut, whole]);
  }
});

test("a match has its place among those that are still kept", () => {
  const found = matchesIn(noMatches(pattern("error")), piece(0, text), false);
  expect(matchPlace(found, 0, 13)).toEqual({ place: 2, count: 3 });
  expect(matchPlace(found, 5, 13)).toEqual({ place: 1, count: 2 });
  expect(matchPlace(found, 5, 0)).toEqual({ place: 0, count: 2 });
  expect(matchPlace(found, 0, 8)).toEqual({ place: 0, count: 3 });
  expect(matchPlace(found, 0, null)).toEqual({ place: 0, count: 3 });
});

test("history that is not at hand is counted, too, and live output goes on from there", () => {
  const output = (nextOffset: number) => ({
    firstOffset: 0,
    nextOffset,
    complete: false,
    stdoutBytes: nextOffset,
    stderrBytes: 0,
    limitBytes: 1 << 20,
    held: false,
  });
  const opened = { ...openLog(EMPTY_LOG, { id: "p", run: 1 }), opened: true };
  let log = setPattern(appendLive(opened, piece(21, text.slice(21)), false), pattern("error"));
  expect([log.found?.offsets, neededScan(log)]).toEqual([[], 0]);
  log = mergeScan(log, piece(0, text.slice(0, 21)), output(text.length));
  expect([log.found?.offsets, neededScan(log)]).toEqual([[0, 13, 25], null]);
  log = appendLive(log, piece(text.length, "error d\n"), false);
  expect(log.found?.offsets).toEqual([0, 13, 25, 33]);
});
