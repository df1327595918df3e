import { describe, expect, test } from "vitest";
import {
  appendLive,
  EMPTY_LOG,
  following,
  jumpTo,
  type LogState,
  mergeRead,
  mergeScan,
  neededRead,
  neededScan,
  openLog,
  resume,
  setLogFilter,
  setPattern,
  setStreams,
  withOutput,
} from "../../../../../src/tui/state/log/log.ts";
import { matchPlace } from "../../../../../src/tui/state/log/log-matches.ts";
import { isBrokenPattern, lineText, logPattern } from "../../../../../src/tui/state/log/log-pattern.ts";
import { visibleRows } from "../../../../../src/tui/state/log/log-rows.ts";
import {
  bringIntoView,
  lineRows,
  pause,
  progress,
  scrollLog,
  shownTop,
} from "../../../../../src/tui/state/log/log-scroll.ts";
import { type LogLine, type LogWindow, lineAt, windowOf } from "../../../../../src/tui/state/log/log-window.ts";

function live(from: number, text: string): LogWindow {
  const data = Buffer.from(text);
  return windowOf(from, from + data.length, [
    { kind: "data", stream: "stdout", offset: from, end: from + data.length, time: 0, data },
  ]);
}

function output(first: number, next: number) {
  return {
    firstOffset: first,
    nextOffset: next,
    complete: false,
    stdoutBytes: next,
    stderrBytes: 0,
    limitBytes: 1 << 20,
    held: false,
  };
}

/** "line 0000\n" and so on: ten bytes each. */
function numbered(from: number, count: number): string {
  return Array.from({ length: count }, (_, i) => `line ${String(from + i).padStart(4, "0")}\n`).join("");
}

function logOf(text: string): LogState {
  const opened = { ...openLog(EMPTY_LOG, { id: "p", run: 1 }), opened: true };
  return appendLive(opened, live(0, text), false);
}

function textAt(log: LogState, offset: number): string {
  const line = lineAt(log.window, offset);
  return line ? lineText(line) : "";
}

/** The first letters of each row. */
function shown(log: LogState, size: { rows: number; columns: number }): string[] {
  return visibleRows(log, size).map(({ line }) => lineText(line).slice(0, 6));
}

const none: LogLine = {
  offset: 0,
  next: 0,
  stream: "stdout",
  time: 0,
  data: new Uint8Array(),
  ended: true,
  newline: true,
  gap: null,
  lead: new Uint8Array(),
};

describe("the log pane", () => {
  test("follows the end, and pauses when scrolled up with a count of what is new", () => {
    let log = logOf(numbered(0, 100));
    expect(following(log)).toBe(true);
    expect(textAt(log, shownTop(log, { rows: 10, columns: 80 }).offset)).toBe("line 0090");
    log = scrollLog(log, -5, { rows: 10, columns: 80 });
    expect(following(log)).toBe(false);
    expect(textAt(log, log.top?.offset ?? 0)).toBe("line 0085");
    log = appendLive(log, live(1000, numbered(100, 7)), false);
    expect(log.newLines).toBe(7);
    expect(textAt(log, log.top?.offset ?? 0)).toBe("line 0085");
    log = scrollLog(log, 1000, { rows: 10, columns: 80 });
    expect(following(log)).toBe(true);
    expect(log.newLines).toBe(0);
  });

  test("stops at the beginning and comes back by the same rows", () => {
    let log = logOf(numbered(0, 50));
    log = scrollLog(log, -1000, { rows: 10, columns: 80 });
    expect(log.top).toEqual({ offset: 0, row: 0 });
    log = scrollLog(log, 3, { rows: 10, columns: 80 });
    expect(textAt(log, log.top?.offset ?? 0)).toBe("line 0003");
  });

  test("wrapped lines are scrolled by rows", () => {
    let log: LogState = { ...logOf(`${"a".repeat(95)}\n${"b".repeat(30)}\n`), wrap: true };
    expect(shownTop(log, { rows: 4, columns: 20 })).toEqual({ offset: 0, row: 3 });
    log = scrollLog(log, -2, { rows: 4, columns: 20 });
    expect(log.top).toEqual({ offset: 0, row: 1 });
    log = scrollLog(log, 1, { rows: 4, columns: 20 });
    expect(log.top).toEqual({ offset: 0, row: 2 });
  });

  test("asks for what is before and after the window, and never for what is not kept", () => {
    let log: LogState = { ...logOf(""), window: live(100_000, numbered(0, 100)), first: 60_000, next: 101_000 };
    expect(neededRead(log)).toBeNull();
    log = pause(log, { rows: 10, columns: 80 });
    expect(neededRead(log)).toEqual({ from: 60_000, to: 100_000 });
    log = mergeRead(log, live(60_000, numbered(0, 4000)), output(60_000, 200_000));
    expect([log.window.from, log.window.to]).toEqual([0, 101_000]);
    expect(log.window.items[0]).toEqual({ kind: "gap", offset: 0, end: 60_000 });
    expect(neededRead(log)).toEqual({ from: 101_000, to: 200_000 });
  });

  test("a filter shows what fits with lines around it, over history and live", () => {
    const pattern = logPattern("0005");
    let log = setLogFilter(logOf(numbered(0, 10)), pattern, 1);
    expect(neededScan(log)).toBeNull();
    log = appendLive(log, live(100, numbered(10, 1)), false);
    expect(log.filtered?.lines.map(({ line, match }) => `${lineText(line)}${match ? "!" : ""}`)).toEqual([
      "line 0004",
      "line 0005!",
      "line 0006",
    ]);
    log = appendLive(log, live(110, "0005 aga"), false);
    expect(log.filtered?.matches).toBe(1);
    log = appendLive(log, live(118, "in\n"), false);
    expect(log.filtered?.matches).toBe(2);
    expect(log.filtered?.lines.at(-1)?.separated || log.filtered?.lines.at(-2)?.separated).toBe(true);
  });

  test("a filter's scan goes over what the window does not have, and skips what was evicted", () => {
    let log: LogState = { ...logOf(""), window: live(5000, numbered(0, 10)), first: 2000, next: 5100 };
    log = setLogFilter(log, logPattern("line"), 0);
    expect(neededScan(log)).toBe(2000);
    log = mergeScan(log, live(2000, numbered(0, 300)), output(2000, 5100));
    // The window goes on where the scan stopped.
    expect(log.filtered?.matches).toBe(310);
    expect(log.filtered?.to).toBe(5100);
    expect(neededScan(log)).toBeNull();
  });

  test("a line that the window cuts at its end is read again where the window does not reach the newest output", () => {
    let log: LogState = { ...logOf(""), window: live(0, "line 0001\nline 00"), first: 0, next: 100 };
    log = setLogFilter(log, logPattern("line"), 0);
    expect(log.filtered?.matches).toBe(1);
    expect(neededScan(log)).toBe(10);
    log = mergeScan(log, live(10, numbered(2, 9)), output(0, 100));
    expect(log.filtered?.matches).toBe(10);
    expect(neededScan(log)).toBeNull();
  });

  test("with a filter and wrapping, what is scrolled are rows: the newest line is reached", () => {
    const text = Array.from({ length: 20 }, (_, i) => `row ${i} ${"x".repeat(50)}\n`).join("");
    const size = { rows: 6, columns: 20 };
    let log: LogState = { ...setLogFilter(logOf(text), logPattern("row"), 0), wrap: true };
    expect(shown(log, size)).toEqual(["row 18", "row 18", "row 18", "row 19", "row 19", "row 19"]);
    log = scrollLog(log, -4, size);
    expect(shown(log, size)).toEqual(["row 16", "row 17", "row 17", "row 17", "row 18", "row 18"]);
    log = scrollLog(log, 100, size);
    expect(following(log)).toBe(true);
    log = scrollLog(log, -1000, size);
    expect(shown(log, size)[0]).toBe("row 0 ");
  });

  test("the place stays when a filter comes, changes and goes", () => {
    const size = { rows: 10, columns: 80 };
    let log = scrollLog(logOf(numbered(0, 200)), -100, size);
    const place = log.top;
    log = setLogFilter(log, logPattern("~[05]$"), 0);
    expect(shown(log, size)[0]).toBe("line 0");
    expect(log.top).toEqual(place);
    log = scrollLog(log, -2, size);
    expect(lineText(visibleRows(log, size)[0]?.line ?? none)).toBe("line 0080");
    log = setLogFilter(log, log.filtered?.pattern ?? null, 2);
    expect(lineText(visibleRows(log, size)[0]?.line ?? none)).toBe("line 0080");
    log = setLogFilter(log, null, 0);
    expect(lineText(visibleRows(log, size)[0]?.line ?? none)).toBe("line 0080");
  });

  test("the end that was asked for comes too late for a pane that is paused again", () => {
    const size = { rows: 10, columns: 80 };
    const paused = pause(resume(scrollLog(logOf(numbered(0, 100)), -20, size)), size);
    expect(jumpTo(paused, live(5000, numbered(500, 10)), output(0, 5100), null)).toBe(paused);
    const jumped = jumpTo(resume(paused), live(5000, numbered(500, 10)), output(0, 5100), null);
    expect([following(jumped), jumped.window.from]).toEqual([true, 5000]);
  });

  test("with a filter only what fits is counted as new", () => {
    let log = setLogFilter(logOf(numbered(0, 100)), logPattern("5"), 0);
    log = pause(log, { rows: 10, columns: 80 });
    log = appendLive(log, live(1000, numbered(100, 20)), false);
    expect(log.newLines).toBe(2);
  });

  test("other streams are shown from the same place, which is read if it is not at hand", () => {
    let log = setStreams(scrollLog(logOf(numbered(0, 20_000)), -15_000, { rows: 10, columns: 80 }), "stdout");
    const place = log.top?.offset ?? 0;
    expect(log.streams).toBe("stdout");
    log = appendLive({ ...log, first: 0 }, live(190_000, numbered(19_000, 1000)), false);
    expect(visibleRows(log, { rows: 10, columns: 80 })).toEqual([]);
    const read = neededRead(log);
    expect(read?.from).toBeLessThan(place);
    expect(read?.to).toBeGreaterThan(place);
    log = mergeRead(log, live(0, numbered(0, 10_000)), output(0, 200_000));
    expect(lineText(visibleRows(log, { rows: 10, columns: 80 })[0]?.line ?? none)).toBe("line 4990");
  });

  test("a place that is no longer kept is in the gap, and is read once", () => {
    const size = { rows: 10, columns: 80 };
    let log = setStreams(scrollLog(logOf(numbered(0, 100)), -50, size), "stdout");
    log = { ...log, opened: true, first: 5_000, next: 200_000 };
    expect(neededRead(log)?.from).toBe(5_000);
    // While it was read, more was evicted.
    log = mergeRead(log, live(6_000, numbered(600, 10_000)), output(6_000, 200_000));
    const [gap, next] = visibleRows(log, size).map(({ line }) => line);
    expect([gap?.gap, next && lineText(next)]).toEqual([{ from: 0, to: 6_000 }, "line 0600"]);
    expect(neededRead(log)).toBeNull();
  });

  test("live output that overtakes the end that was read for is not lost, nor is the end", () => {
    const size = { rows: 10, columns: 80 };
    const log = appendLive({ ...logOf(""), next: 1000 }, live(1000, numbered(100, 1)), false);
    const ended = jumpTo(log, live(500, numbered(50, 50)), output(0, 1000), null);
    expect(visibleRows(ended, size).map(({ line }) => lineText(line))).toEqual(
      Array.from({ length: 10 }, (_, i) => `line ${String(91 + i).padStart(4, "0")}`),
    );
  });

  test("wrapped lines lose no wide character, whatever the width", () => {
    const text = "並".repeat(60);
    for (const columns of [2, 7, 8, 31, 80]) {
      const log: LogState = { ...logOf(`${text}\n`), wrap: true };
      const rows = visibleRows(log, { rows: 100, columns });
      const cells = rows.map(({ styled, from, to }) => styled.text.slice(from, to).join(""));
      expect([columns, cells.join("")]).toEqual([columns, text]);
      expect(rows.every(({ from, to }) => to - from <= columns)).toBe(true);
      expect(lineRows(log, rows[0]?.line ?? none, columns)).toBe(rows.length);
    }
  });

  test("a match is brought into view sideways, and in the right row where lines wrap", () => {
    const size = { rows: 9, columns: 40 };
    const log: LogState = {
      ...logOf(`${numbered(0, 50)}${"x".repeat(410)}NEEDLE\n${numbered(51, 50)}`),
      pattern: logPattern("NEEDLE"),
    };
    const sideways = bringIntoView(log, 500, size);
    expect(sideways.column).toBeLessThanOrEqual(410);
    expect(sideways.column + 40).toBeGreaterThanOrEqual(416);
    expect(visibleRows(sideways, size).some(({ line }) => line.offset === 500)).toBe(true);
    const wrapped = bringIntoView({ ...log, wrap: true }, 500, size);
    expect(visibleRows(wrapped, size).some(({ line, row }) => line.offset === 500 && row === 10)).toBe(true);
  });

  test("patterns: text as it is, ~ for an expression, capitals count", () => {
    expect(logPattern("a.b")?.expression.test("axb")).toBe(false);
    expect(logPattern("~a.b")?.expression.test("AXB")).toBe(true);
    for (const text of ["ab", "~a?b"]) {
      const expression = logPattern(text)?.expression;
      // Twice: neither remembers where it was.
      for (let i = 0; i < 2; i++) {
        expect([expression?.test("-ab-ab"), expression?.places("-ab-ab")]).toEqual([
          true,
          [
            [1, 3],
            [4, 6],
          ],
        ]);
      }
    }
    expect(logPattern("Ab")?.expression.test("ab")).toBe(false);
    expect(logPattern("~a\\S\\p{Lu}b")?.expression.test("A.CB")).toBe(true);
    expect(logPattern("~\\SAb")?.expression.test(".ab")).toBe(false);
    // An expression that others try in two to the power of its length ways.
    expect(logPattern("~(x+x+)+y")?.expression.test("x".repeat(100_000))).toBe(false);
    expect(logPattern("~(")).toBeNull();
    expect(logPattern("")).toBeNull();
    expect(["", "~", "a(", "~a(", "~[a-z]"].map(isBrokenPattern)).toEqual([false, false, false, true, false]);
  });

  test("half a character that may be completed is not shown, wherever it is cut; in a line that is over it is", () => {
    for (const text of ["a€", "aé", "a😀", "ab"]) {
      const data = Buffer.from(text);
      for (let end = 1; end <= data.length; end++) {
        const whole = end === data.length;
        const line = { ...none, data: data.subarray(0, end) };
        expect([text, end, lineText(line, true)]).toEqual([text, end, whole ? text : "a"]);
        expect(lineText(line).includes("\ufffd")).toBe(!whole && end > 1);
      }
    }
    expect(lineText({ ...none, data: Buffer.from([0x61, 0x80, 0x80, 0x80, 0x80]) }, true)).toBe("a����");
  });

  test("another process begins at its end, with the same view settings", () => {
    const log = openLog(
      { ...scrollLog(logOf(numbered(0, 100)), -20, { rows: 10, columns: 80 }), wrap: true },
      { id: "q", run: 2 },
    );
    expect(log.wrap).toBe(true);
    expect(following(log)).toBe(true);
    expect(log.window.items).toEqual([]);
    expect(resume(log).newLines).toBe(0);
  });
});

test("what has given way to live output is not counted as kept: not in the place, and not among the matches", () => {
  let log: LogState = { ...openLog(EMPTY_LOG, { id: "p", run: 1 }), opened: true };
  log = withOutput(log, { ...output(0, 0), limitBytes: 1000 });
  log = setPattern(log, logPattern("line"));
  // Some of it is skipped while it comes too fast.
  for (const from of [0, 1000, 5000]) {
    log = appendLive(log, live(from, numbered(from / 10, 100)), false);
  }
  expect([log.first, log.next]).toEqual([5000, 6000]);
  expect(progress({ ...log, top: { offset: 5500, row: 0 } })).toBe(0.5);
  expect(log.found && matchPlace(log.found, log.first, null).count).toBe(0);
});

test("where all there is is on the screen, scrolling up pauses nothing", () => {
  const size = { rows: 10, columns: 40 };
  expect(scrollLog(logOf(numbered(0, 5)), -3, size).top).toBeNull();
  expect(scrollLog(logOf(numbered(0, 50)), -3, size).top).not.toBeNull();
  // More of it is kept than is at hand.
  const later = { ...logOf(""), window: live(500, numbered(50, 5)), first: 0, next: 550 };
  expect(scrollLog(later, -3, size).top).not.toBeNull();
});
