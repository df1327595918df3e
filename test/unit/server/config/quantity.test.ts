import { expect, test } from "vitest";
import { parseDuration, parseSize } from "../../../../src/server/config/quantity.ts";

test.each<[string, number | undefined]>([
  ["0", 0],
  ["4096", 4096],
  ["64k", 65_536],
  ["1.5MiB", 1_572_864],
  ["2 GB", 2_147_483_648],
  ["", undefined],
  ["-1", undefined],
  ["1T", undefined],
  ["k", undefined],
  ["1e3", undefined],
  ["99999999999999999999", undefined],
])("the size %j is %j", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each<[string, number | undefined]>([
  ["500ms", 500],
  ["1.5s", 1500],
  ["5m", 300_000],
  ["12h", 43_200_000],
  ["7d", 604_800_000],
  ["7", undefined],
  ["", undefined],
  ["-1s", undefined],
  ["1w", undefined],
])("the duration %j is %j", (text, millis) => {
  expect(parseDuration(text)).toBe(millis);
});
