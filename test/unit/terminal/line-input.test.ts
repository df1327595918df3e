import { describe, expect, test } from "vitest";
import { LineInput } from "../../../src/terminal/line-input.ts";

function typed(...pieces: string[]): { events: string[]; echoed: string } {
  const events: string[] = [];
  let echoed = "";
  const input = new LineInput({
    echo: (text) => {
      echoed += text;
    },
    line: (text) => events.push(`line ${text}`),
    end: () => events.push("end"),
    interrupt: () => events.push("interrupt"),
    suspend: () => events.push("suspend"),
  });
  for (const piece of pieces) {
    input.type(piece);
  }
  return { events, echoed };
}

describe("lines typed on a raw terminal", () => {
  test("are echoed and passed on with their newline", () => {
    expect(typed("he", "llo\rand\n")).toEqual({
      events: ["line hello\n", "line and\n"],
      echoed: "hello\r\nand\r\n",
    });
  });

  test.each([
    ["backspace", "abX\x7fc\r", "line abc\n"],
    ["backspace over what is two cells wide", "日本\x7f語\r", "line 日語\n"],
    ["backspace over a grapheme of several characters", "a👨‍👩‍👧é\x7f\x7fb\r", "line ab\n"],
    ["backspace on an empty line", "\x7f\x7fa\r", "line a\n"],
    ["Ctrl-U", "wrong\x15right\r", "line right\n"],
    ["Ctrl-W", "one two \x17three\r", "line one three\n"],
    ["arrows and function keys", "a\x1b[A\x1b[1;5C\x1bOPb\x1bxc\r", "line abc\n"],
    ["a tab", "a\tb\r", "line a\tb\n"],
  ])("%s", (_name, keys, line) => {
    expect(typed(keys).events).toEqual([line]);
  });

  test("what is taken back leaves as many cells", () => {
    expect(typed("日\x7f").echoed).toBe("日\b \b\b \b");
  });

  test("Ctrl-D ends an empty line's input, and sends one that has begun as it is", () => {
    expect(typed("\x04").events).toEqual(["end"]);
    expect(typed("ab\x04\x04").events).toEqual(["line ab", "end"]);
  });

  test("Ctrl-C and Ctrl-Z are told", () => {
    expect(typed("a\x1ab\x03").events).toEqual(["suspend", "interrupt"]);
  });

  test.each([
    ["Enter", "ab\x1b\r", ["line ab\n"]],
    ["Ctrl-C", "\x1b\x03", ["interrupt"]],
    ["Ctrl-D", "\x1b\x04", ["end"]],
    ["backspace", "ab\x1b\x7fc\r", ["line ac\n"]],
    ["Enter within an arrow key", "ab\x1b[1\r", ["line ab\n"]],
    ["what an arrow key sends", "ab\x1b\x1b[Ac\r", ["line abc\n"]],
  ])("%s after Escape is not swallowed", (_name, keys, events) => {
    expect(typed(keys).events).toEqual(events);
    expect(typed(...keys).events).toEqual(events);
  });

  test("a line without an end is kept up to a bound", () => {
    const { events, echoed } = typed("a".repeat(70_000), "\x7f\x7fbcd\r");
    expect(events).toEqual([`line ${"a".repeat(65_534)}bc\n`]);
    expect(echoed.split("\x07").length - 1).toBe(70_000 - 65_536 + 1);
  });
});
