import { expect, test } from "vitest";
import { parseDuration } from "../../../../src/common/quantities.ts";
import { formatChosen } from "../../../../src/tui/text/format.ts";

test.each([
  [0, "0ms"],
  [250, "250ms"],
  [1500, "1.5s"],
  [60_000, "1m"],
  [90_050, "1m30.05s"],
  [7 * 86_400_000 + 3_600_000, "7d1h"],
])("%i ms are written %s, and read as that", (milliseconds, text) => {
  expect(formatChosen(milliseconds)).toBe(text);
  expect(parseDuration(text)).toBe(milliseconds);
});
