import { describe, expect, test } from "vitest";
import {
  appendLive,
  EMPTY_LOG,
  following,
  followTop,
  type LogState,
  lineText,
  logPattern,
  mergeRead,
  mergeScan,
  neededRead,
  neededScan,
  openLog,
  pause,
  resume,
  scrollLog,
  setLogFilter,
} from "../../../../src/tui/store/log.ts";
import { type LogWindow, lineAt, windowOf } from "../../../../src/tui/store/log-window.ts";

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

describe("the log pane", () => {
  test("follows the end, and pauses when scrolled up with a count of what is new", () => {
    let log = logOf(numbered(0, 100));
    expect(following(log)).toBe(true);
    expect(textAt(log, followTop(log, 10, 80).offset)).toBe("line 0090");
    log = scrollLog(log, -5, 10, 80);
    expect(following(log)).toBe(false);
    expect(textAt(log, log.top?.offset ?? 0)).toBe("line 0085");
    log = appendLive(log, live(1000, numbered(100, 7)), false);
    expect(log.newLines).toBe(7);
    expect(textAt(log, log.top?.offset ?? 0)).toBe("line 0085");
    log = scrollLog(log, 1000, 10, 80);
    expect(following(log)).toBe(true);
    expect(log.newLines).toBe(0);
  });

  test("stops at the beginning and comes back by the same rows", () => {
    let log = logOf(numbered(0, 50));
    log = scrollLog(log, -1000, 10, 80);
    expect(log.top).toEqual({ offset: 0, row: 0 });
    log = scrollLog(log, 3, 10, 80);
    expect(textAt(log, log.top?.offset ?? 0)).toBe("line 0003");
  });

  test("wrapped lines are scrolled by rows", () => {
    let log: LogState = { ...logOf(`${"a".repeat(95)}\n${"b".repeat(30)}\n`), wrap: true };
    expect(followTop(log, 4, 20)).toEqual({ offset: 0, row: 3 });
    log = scrollLog(log, -2, 4, 20);
    expect(log.top).toEqual({ offset: 0, row: 1 });
    log = scrollLog(log, 1, 4, 20);
    expect(log.top).toEqual({ offset: 0, row: 2 });
  });

  test("asks for what is before and after the window, and never for what is not kept", () => {
    let log: LogState = { ...logOf(""), window: live(100_000, numbered(0, 100)), first: 60_000, next: 101_000 };
    expect(neededRead(log)).toBeNull();
    log = pause(log, 10, 80);
    expect(neededRead(log)).toEqual({ from: 60_000, to: 100_000, edge: "before" });
    log = mergeRead(log, live(60_000, numbered(0, 4000)), output(60_000, 200_000));
    expect([log.window.from, log.window.to]).toEqual([60_000, 101_000]);
    expect(neededRead(log)).toEqual({ from: 101_000, to: 200_000, edge: "after" });
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

  test("patterns: text as it is, ~ for an expression, capitals count", () => {
    expect(logPattern("a.b")?.expression.test("axb")).toBe(false);
    expect(logPattern("~a.b")?.expression.test("AXB")).toBe(true);
    expect(logPattern("Ab")?.expression.test("ab")).toBe(false);
    expect(logPattern("~(")).toBeNull();
    expect(logPattern("")).toBeNull();
  });

  test("another process begins at its end, with the same view settings", () => {
    const log = openLog({ ...scrollLog(logOf(numbered(0, 100)), -20, 10, 80), wrap: true }, { id: "q", run: 2 });
    expect(log.wrap).toBe(true);
    expect(following(log)).toBe(true);
    expect(log.window.items).toEqual([]);
    expect(resume(log).newLines).toBe(0);
  });
});
