import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fieldWindow } from "../../../../src/tui/terminal/field-window.ts";
import { textWidth, visibleText, wrapText } from "../../../../src/tui/terminal/wrap.ts";

describe("wrapping", () => {
  test.each([
    ["", 10, [""]],
    ["short", 10, ["short"]],
    ["two words", 5, ["two", "words"]],
    ["exactly ten", 10, ["exactly", "ten"]],
    ["abcdefghij", 4, ["abcd", "efgh", "ij"]],
    ["a abcdefgh", 4, ["a", "abcd", "efgh"]],
    ["one\ntwo", 10, ["one", "two"]],
    ["日本語です", 5, ["日本", "語で", "す"]],
    ["ends here ", 9, ["ends here"]],
    ["wide 日", 1, ["w", "i", "d", "e", "日"]],
  ])("%j in %i cells", (text, width, lines) => {
    expect(wrapText(text, width)).toEqual(lines);
  });

  test("loses nothing but blanks at breaks, and no line is too wide", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), fc.integer({ min: 2, max: 40 }), (text, width) => {
        const lines = wrapText(text, width);
        for (const line of lines) {
          expect(textWidth(line)).toBeLessThanOrEqual(width);
        }
        const bare = (value: string): string => value.replaceAll(" ", "");
        const whole: string[] = [];
        for (const line of text.split("\n")) {
          whole.push(wrapText(line, 100_000).join(""));
        }
        expect(bare(lines.join(""))).toBe(bare(whole.join("")));
      }),
    );
  });
});

test("what cannot be seen has a sign", () => {
  expect(visibleText("a\tb\nc\x1b[31m\x7f\x85\u202e")).toBe("a␉b↵c␛[31m␡·");
});

describe("a field that is longer than its room", () => {
  test("shows what is around the cursor, in cells", () => {
    expect(fieldWindow("abc", 3, 10)).toEqual({ before: "abc", under: " ", after: "" });
    expect(fieldWindow("abc", 1, 10)).toEqual({ before: "a", under: "b", after: "c" });
    expect(fieldWindow("0123456789", 10, 5)).toEqual({ before: "6789", under: " ", after: "" });
    expect(fieldWindow("0123456789", 0, 5)).toEqual({ before: "", under: "0", after: "1234" });
    expect(fieldWindow("日本語日本語", 6, 6)).toEqual({ before: "本語", under: " ", after: "" });
    expect(fieldWindow("a\nb", 1, 10)).toEqual({ before: "a", under: "↵", after: "b" });
  });
});
