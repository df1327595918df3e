import { describe, expect, test } from "vitest";
import { lineText } from "../../../../../src/tui/state/log/log-pattern.ts";
import {
  appendWindow,
  EMPTY_WINDOW,
  type LogItem,
  type LogWindow,
  lineAt,
  PIECE_BYTES,
  prependWindow,
  previousLine,
  WINDOW_BYTES,
  windowOf,
} from "../../../../../src/tui/state/log/log-window.ts";

function item(offset: number, text: string, stream: "stdout" | "stderr" = "stdout", time = 0): LogItem {
  const data = Buffer.from(text);
  return { kind: "data", stream, offset, end: offset + data.length, time, data };
}

function windowFrom(...pieces: [string, ("stdout" | "stderr")?][]): LogWindow {
  let offset = 0;
  const items = pieces.map(([text, stream]) => {
    const next = item(offset, text, stream);
    offset = next.end;
    return next;
  });
  return windowOf(0, offset, items);
}

function forwards(window: LogWindow): { offset: number; text: string }[] {
  const lines: { offset: number; text: string }[] = [];
  for (let line = lineAt(window, window.from); line; line = lineAt(window, line.next)) {
    lines.push({ offset: line.offset, text: Buffer.from(line.data).toString() });
  }
  return lines;
}

function backwards(window: LogWindow): number[] {
  const offsets: number[] = [];
  for (let at = previousLine(window, window.to); at !== null; at = previousLine(window, at)) {
    offsets.unshift(at);
  }
  return offsets;
}

describe("a window of output", () => {
  test("lines end after newlines and where the stream changes", () => {
    const window = windowFrom(
      ["one\ntw"],
      ["o\n"],
      ["err\n", "stderr"],
      ["part"],
      ["warn\n", "stderr"],
      ["ial\n"],
      ["open"],
    );
    expect(forwards(window).map(({ text }) => text)).toEqual(["one", "two", "err", "part", "warn", "ial", "open"]);
    expect(backwards(window)).toEqual(forwards(window).map(({ offset }) => offset));
    expect(lineAt(window, window.to - 4)?.ended).toBe(false);
  });

  test.each([
    ["a color", ["a\x1b[3", "1mred\n"], ["a", "red"]],
    ["a sequence cut twice", ["a\x1b", "[3", "1mred\n"], ["a", "", "red"]],
    ["a title", ["a\x1b]0;ti", "tle\x07b\n"], ["a", "b"]],
    ["a whole sequence", ["a\x1b[31m", "m1\n"], ["a", "m1"]],
    ["a sequence of the line before", ["a\x1b[3\nb", "1m\n"], ["a␛[3", "b", "1m"]],
  ])("D12 %s that the other stream cuts goes on where its stream goes on", (_what, pieces, texts) => {
    const window = windowFrom(
      ...pieces.flatMap((piece): [string, ("stdout" | "stderr")?][] => [[piece], ["warn\n", "stderr"]]),
    );
    const lines: string[] = [];
    for (let line = lineAt(window, 0); line; line = lineAt(window, line.next)) {
      if (line.stream === "stdout") {
        lines.push(lineText(line, !line.newline));
      }
    }
    expect(lines).toEqual(texts);
  });

  test("D12 a character that the other stream cuts is shown whole, once", () => {
    const [first, second] = [Buffer.from("a€b\n").subarray(0, 3), Buffer.from("a€b\n").subarray(3)];
    const data = (offset: number, bytes: Uint8Array, stream: "stdout" | "stderr"): LogItem => {
      return { kind: "data", stream, offset, end: offset + bytes.length, time: 0, data: bytes };
    };
    const items = [data(0, first, "stdout"), data(3, Buffer.from("x\n"), "stderr"), data(5, second, "stdout")];
    const window = windowOf(0, 8, items);
    const texts = [0, 3, 5].map((offset) => {
      const line = lineAt(window, offset);
      return line && lineText(line, !line.newline);
    });
    expect(texts).toEqual(["a", "x", "€b"]);
  });

  test("a gap is a line of its own", () => {
    const window = windowOf(0, 110, [
      item(0, "a\n"),
      { kind: "gap", offset: 2, end: 100 },
      item(100, "b\nc\nde\nfg\n"),
    ]);
    const lines = [];
    for (let line = lineAt(window, 0); line; line = lineAt(window, line.next)) {
      lines.push(line.gap ? `gap ${line.gap.from}-${line.gap.to}` : Buffer.from(line.data).toString());
    }
    expect(lines).toEqual(["a", "gap 2-100", "b", "c", "de", "fg"]);
    expect(backwards(window)).toEqual([0, 2, 100, 102, 104, 107]);
  });

  test("gaps that touch are one line, however they came", () => {
    const gap = (offset: number, end: number): LogItem => ({ kind: "gap", offset, end });
    const rest = item(100, "b\n");
    const whole = windowOf(0, 102, [gap(0, 100), rest]);
    const known = windowOf(20, 102, [gap(20, 100), rest]);
    expect(windowOf(0, 102, [gap(0, 20), gap(20, 60), gap(60, 100), rest])).toEqual(whole);
    // The daemon tells all that is missing, beyond where the window begins.
    expect(prependWindow(known, windowOf(0, 100, [gap(0, 100)]))).toEqual(whole);
    expect(prependWindow(known, windowOf(0, 20, [gap(0, 20)]))).toEqual(whole);
    const begun = windowOf(0, 20, [gap(0, 20)]);
    expect(appendWindow(begun, known)).toEqual(whole);
    expect(appendWindow(begun, whole)).toEqual(whole);
    expect(backwards(prependWindow(known, begun))).toEqual([0, 100]);
    // The place where the second one began is in the first row now: nothing is above it.
    expect(previousLine(whole, 20)).toBeNull();
    // Of a stream shown alone something else may lie between.
    expect(windowOf(0, 102, [gap(0, 20), gap(30, 100), rest]).items).toHaveLength(3);
  });

  test("forwards and backwards agree, however lines are long, split and mixed", () => {
    let seed = 99;
    const random = (limit: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * limit);
    };
    for (let round = 0; round < 150; round++) {
      const pieces: [string, ("stdout" | "stderr")?][] = [];
      for (let count = 1 + random(12); count > 0; count--) {
        const long = random(5) === 0;
        let text = "";
        for (let lines = random(4); lines >= 0; lines--) {
          text += "x".repeat(random(long ? 3 * PIECE_BYTES : 20)) + (random(4) === 0 ? "" : "\n");
        }
        pieces.push([text || "y", random(3) === 0 ? "stderr" : "stdout"]);
      }
      const window = windowFrom(...pieces);
      const lines = forwards(window);
      expect(backwards(window)).toEqual(lines.map(({ offset }) => offset));
      const all = Buffer.concat(window.items.map((piece) => (piece.kind === "data" ? piece.data : Buffer.alloc(0))));
      expect(lines.map(({ text }) => text).join("")).toBe(all.toString().replaceAll("\n", ""));
    }
  });

  test("a line of a megabyte without an end is shown in pieces, and no character is broken", () => {
    const window = windowFrom(...Array.from({ length: 16 }, (): [string] => ["日".repeat(20_000)]));
    const lines = forwards(window);
    expect(Math.max(...lines.map(({ text }) => Buffer.byteLength(text)))).toBeLessThanOrEqual(2 * PIECE_BYTES);
    expect(lines.map(({ text }) => text).join("")).toBe("日".repeat(320_000));
    expect(previousLine(window, window.to)).toBeGreaterThan(window.to - 3 * PIECE_BYTES);
  });

  test("appending merges small pieces, is bounded, and takes only what touches", () => {
    let window = EMPTY_WINDOW;
    for (let i = 0; i < 1000; i++) {
      window = appendWindow(window, windowOf(i * 10, i * 10 + 10, [item(i * 10, "123456789\n")]));
    }
    expect(window.items.length).toBeLessThan(10);
    expect(forwards(window)).toHaveLength(1000);
    const before = window;
    expect(appendWindow(window, windowOf(20_000, 20_010, [item(20_000, "123456789\n")]))).toBe(before);
    for (let i = 0; i < 40; i++) {
      window = appendWindow(window, windowOf(window.to, window.to + 65_536, [item(window.to, "z".repeat(65_536))]));
    }
    expect(window.bytes).toBeLessThanOrEqual(WINDOW_BYTES);
    expect(window.from).toBeGreaterThan(0);
    expect(window.items[0]?.offset).toBe(window.from);
  });

  test("an overlap is taken once, before and after", () => {
    const middle = windowOf(10, 20, [item(10, "abcdefghi\n")]);
    const after = appendWindow(middle, windowOf(15, 25, [item(15, "fghi\nklmn\n")]));
    expect(forwards(after).map(({ text }) => text)).toEqual(["abcdefghi", "klmn"]);
    const before = prependWindow(after, windowOf(0, 12, [item(0, "012345678\nab")]));
    expect(forwards(before).map(({ text }) => text)).toEqual(["012345678", "abcdefghi", "klmn"]);
    expect([before.from, before.to]).toEqual([0, 25]);
  });
});
