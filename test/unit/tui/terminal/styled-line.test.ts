import { describe, expect, test } from "vitest";
import { BOLD, palette, rgb } from "../../../../src/tui/terminal/style.ts";
import { parseLine, plainText } from "../../../../src/tui/terminal/styled-line.ts";

describe("a line of hostile output", () => {
  test("keeps colors and nothing else", () => {
    const line = parseLine("\x1b[1;31mred\x1b[0m \x1b[38;5;200mx\x1b[48;2;1;2;3my\x1b[m");
    expect(line.text.join("")).toBe("red xy");
    expect(line.style[0]).toEqual({ fg: palette(1), bg: 0, flags: BOLD });
    expect(line.style[4]).toEqual({ fg: palette(200), bg: 0, flags: 0 });
    expect(line.style[5]).toEqual({ fg: palette(200), bg: rgb(1, 2, 3), flags: 0 });
  });

  test.each([
    ["a title", "a\x1b]0;evil\x07b", "ab"],
    ["a title ended by ST", "a\x1b]0;evil\x1b\\b", "ab"],
    ["clearing the screen", "a\x1b[2Jb", "ab"],
    ["moving the cursor", "a\x1b[10;10Hb", "ab"],
    ["a device control string", "a\x1bP+q544e\x1b\\b", "ab"],
    ["the alternate screen", "a\x1b[?1049hb", "ab"],
    ["a C1 control sequence", "a\u009b2Jb", "ab"],
    ["a C1 title", "a\u009d0;evil\u009cb", "ab"],
    ["a character set", "a\x1b(0b", "ab"],
    ["a full reset", "a\x1bcb", "ab"],
    ["an application program command", "a\x1b_Gi=1;AAAA\x1b\\b", "ab"],
    ["a bell", "a\x07b", "a␇b"],
    ["a null", "a\0b", "a␀b"],
    ["delete", "a\x7fb", "a␡b"],
    ["an escape at the end", "a\x1b", "a␛"],
    ["a sequence that never ends", "a\x1b[12;", "a␛[12;"],
    ["a title that never ends", "a\x1b]0;text", "a␛]0;text"],
    ["a direction override", "a\u202eb", "ab"],
    ["a tab", "a\tb", "a       b"],
    ["a carriage return", "12345\rab", "ab345"],
    ["a backspace", "ab\bc", "ac"],
  ])("%s", (_name, text, shown) => {
    expect(plainText(text)).toBe(shown);
  });

  test.each([
    ["a color", "21ms\x1b[0m"],
    ["a sequence with parameters", "21ms\x1b[38;5;12m"],
    ["a title", "21ms\x1b]0;name\x07"],
    ["a title ended by ST", "21ms\x1b]0;name\x1b\\"],
    ["a character set", "21ms\x1b(B"],
    ["a C1 control sequence", "21ms\u009b0m"],
  ])("%s that has not arrived whole is not shown, wherever it is cut", (_name, text) => {
    for (let end = "21ms".length; end < text.length; end++) {
      const { text: cells } = parseLine(text.slice(0, end), undefined, true);
      expect([end, cells.join("")]).toEqual([end, "21ms"]);
    }
  });

  test("what can be no sequence is shown although more may come", () => {
    expect(parseLine("a\x1b[1\x01b", undefined, true).text.join("")).toBe("a␛[1␁b");
    expect(parseLine(`a\x1b]${"x".repeat(5000)}`, undefined, true).text.join("")).toHaveLength(5003);
  });

  test("nothing that is returned can act on a terminal, whatever the bytes", () => {
    let seed = 12345;
    const random = (): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed;
    };
    for (let round = 0; round < 300; round++) {
      const bytes = Uint8Array.from({ length: 200 }, () => {
        const kind = random() % 4;
        return kind === 0 ? 0x1b : kind === 1 ? random() % 0x20 : random() % 256;
      });
      const text = new TextDecoder().decode(bytes);
      const { text: cells, style } = parseLine(text);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none must be left
      expect(cells.join("")).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e]/);
      expect(style).toHaveLength(cells.length);
    }
  });

  test("wide characters take two cells, combining ones none", () => {
    expect(parseLine("日x").text).toEqual(["日", "", "x"]);
    expect(parseLine("e\u0301x").text).toEqual(["e\u0301", "x"]);
    expect(parseLine("👨‍👩‍👧‍👦x").text).toEqual(["👨‍👩‍👧‍👦", "", "x"]);
    expect(parseLine("日本\rx").text).toEqual(["x", " ", "本", ""]);
  });

  test("piled up marks and endless parameters are bounded", () => {
    expect(parseLine(`a${"\u0301".repeat(10_000)}`).text.join("").length).toBeLessThan(100);
    expect(parseLine(`\x1b[${"1;".repeat(100_000)}mx`).text).toEqual(["x"]);
    expect(parseLine("x".repeat(1_000_000)).text.length).toBeLessThan(40_000);
  });
});
