import { expect, test } from "vitest";
import { compileGlob } from "../../../../src/server/engine/process/glob.ts";

test.each<[string, string, boolean]>([
  ["web", "web", true],
  ["web", "web1", false],
  ["web*", "web", true],
  ["*", "", true],
  ["*-[0-9]", "worker-7", true],
  ["*-[0-9]", "worker-x", false],
  ["[!a-c]?", "dx", true],
  ["[!a-c]?", "bx", false],
  ["a*b*c", "aXXbYYbZc", true],
  ["a*b*c", "aXXbYY", false],
  ["?", "", false],
  ["[", "[", true],
  ["[]", "[]", true],
  ["[a-]", "-", true],
  ["a.c", "abc", false],
])("%s fits %s: %s", (pattern, name, wanted) => {
  expect(compileGlob(pattern)(name)).toBe(wanted);
});

test("a pattern of many stars takes no time", () => {
  expect(compileGlob(`${"a*".repeat(60)}b`)("a".repeat(63))).toBe(false);
});
