import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lastLines } from "../../../src/terminal/tail.ts";

describe("the last lines", () => {
  test.each<[string, number, string | undefined]>([
    ["a\nb\nc\n", 1, "c\n"],
    ["a\nb\nc\n", 2, "b\nc\n"],
    ["a\nb\nc", 1, "c"],
    ["a\nb\nc", 0, ""],
    ["a\n\n", 1, "\n"],
    ["\n\n", 1, "\n"],
    ["a\nb\n", 2, undefined],
    ["\n", 1, undefined],
    ["a", 1, undefined],
    ["", 1, undefined],
    ["", 0, ""],
  ])("of %j, %i of them, are %j", (text, lines, expected) => {
    const start = lastLines(Buffer.from(text), lines);
    expect(start === undefined ? undefined : text.slice(start)).toBe(expected);
  });

  test("are as many as were asked for", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "\n"), maxLength: 30 });
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 10 }), (before, lines) => {
        const start = lastLines(Buffer.from(before), lines);
        const all = before.match(/[^\n]*\n|[^\n]+$/g) ?? [];
        expect(start === undefined ? undefined : before.slice(start)).toBe(
          lines === 0 ? "" : all.length > lines ? all.slice(-lines).join("") : undefined,
        );
      }),
    );
  });
});
