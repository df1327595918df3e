import { expect, test } from "vitest";
import { naturalKey } from "../../../../src/tui/text/natural-key.ts";

test.each([
  [["job-1", "job-2", "job-10", "job-10b", "job-11", "job-100"]],
  [["a", "a1", "a1-2", "a1-10", "a02", "a3", "ab"]],
  [["v1.9", "v1.10", "v2.0"]],
  [["x999999999", "x1000000000", "x9999999999", "x12345678901"]],
])("%j is in order", (names) => {
  const sorted = names.toReversed().sort((a, b) => (naturalKey(a) < naturalKey(b) ? -1 : 1));
  expect(sorted).toEqual(names);
});
