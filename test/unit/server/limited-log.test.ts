import { expect, test } from "vitest";
import { limitedLog } from "../../../src/server/limited-log.ts";

test("writes a few lines a period, and says how many it left out", () => {
  const clock = { now: 0 };
  const written: object[] = [];
  const log = limitedLog((fields: object) => written.push(fields), { lines: 2, periodMs: 1000, now: () => clock.now });
  for (let i = 0; i < 5; i++) {
    log({ i }, "x");
  }
  expect(written).toEqual([{ i: 0 }, { i: 1 }]);
  clock.now = 1000;
  log({ i: 5 }, "x");
  log({ i: 6 }, "x");
  log({ i: 7 }, "x");
  expect(written.slice(2)).toEqual([{ i: 5, leftOut: 3 }, { i: 6 }]);
});
