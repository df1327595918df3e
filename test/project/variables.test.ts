import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type EnvFileError, parseEnvFile } from "../../src/project/variables/env-file.ts";
import { escapeInterpolation, InterpolationError, interpolate } from "../../src/project/variables/interpolate.ts";

const variables = (name: string) => ({ A: "1", EMPTY: "", PATH: "/bin" })[name];

describe("a text with variables", () => {
  it.each([
    ["${A}", "1"],
    ["x${A}y${A}", "x1y1"],
    ["${EMPTY}", ""],
    ["${NONE:-d}", "d"],
    ["${EMPTY:-d}", "d"],
    ["${EMPTY-d}", ""],
    ["${A:-d}", "1"],
    ["${NONE:-}", ""],
    ["${NONE:-${EMPTY:-${A}}}", "1"],
    ["${NONE:-a}b}", "ab}"],
    ["${A:+set}", "set"],
    ["${EMPTY:+set}", ""],
    ["${EMPTY+set}", "set"],
    ["${NONE+set}", ""],
    ["${A:?needed}", "1"],
    ["$A $(id) $$ ${A}", "$A $(id) $$ 1"],
    ["$${A}", "${A}"],
    ["$$${A}", "$${A}"],
    ["a $ b", "a $ b"],
    ["${NONE:-http://x:80/?a=b}", "http://x:80/?a=b"],
    ["${NONE:-line\nline}", "line\nline"],
  ])("%s is %s", (text, expected) => {
    expect(interpolate(text, variables)).toBe(expected);
  });

  it.each([
    ["${NONE}", "the variable NONE is not set; for an empty default write ${NONE:-}"],
    ["${NONE:?say where}", "NONE: say where"],
    ["${EMPTY:?}", "EMPTY: is not set"],
    ["${A", 'without its "}"'],
    ["${}", "is not understood"],
    ["${A:0:1}", "is not understood"],
    [`${"${N:-".repeat(20)}${"}".repeat(20)}`, "nested deeper"],
  ])("%s is refused", (text, message) => {
    expect(() => interpolate(text, variables)).toThrow(InterpolationError);
    expect(() => interpolate(text, variables)).toThrow(message);
  });

  it("stays as it is once escaped", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("$", "{", "}", "A", ":", "-", "\\") }), (text) => {
        // A "$" before an escaped "${" would join it: no text of a command needs it, and none is changed silently.
        fc.pre(!text.includes("$${"));
        expect(interpolate(escapeInterpolation(text), () => "!")).toBe(text);
      }),
    );
  });
});

describe("an environment file", () => {
  it("is read as dotenv has it", () => {
    const text = [
      "# a comment",
      "",
      "A=1",
      "export B=two",
      " C = spaced  # comment",
      "D='single ${A} # not'",
      'E="double ${A} \\"q\\" \\n \\$5 \\${A}"',
      'F="over',
      'lines"',
      "G=",
      "H=a=b#c",
      "I=$HOME",
      "odd.name=1",
      "J=${A}${K:-k}",
    ].join("\r\n");
    expect(Object.fromEntries(parseEnvFile(text, () => undefined))).toEqual({
      A: "1",
      B: "two",
      C: "spaced",
      D: "single ${A} # not",
      E: 'double 1 "q" \n $5 ${A}',
      F: "over\nlines",
      G: "",
      H: "a=b#c",
      I: "$HOME",
      "odd.name": "1",
      J: "1k",
    });
  });

  it.each([
    ["A=1\nnonsense", 2, "NAME=VALUE"],
    ["A=1\n\nB='open", 3, "no closing '"],
    ["A=${NONE}", 1, "NONE is not set"],
  ])("%j is refused", (text, line, message) => {
    const parse = () => parseEnvFile(text, () => undefined);
    expect(parse).toThrow(message);
    try {
      parse();
    } catch (error) {
      expect((error as EnvFileError).line).toBe(line);
    }
  });
});
