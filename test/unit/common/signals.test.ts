import { expect, test } from "vitest";
import { signalName, signalNumber } from "../../../src/common/signals.ts";

test.each([
  ["SIGTERM", 15],
  ["term", 15],
  ["HUP", 1],
  ["SIGRTMIN", 34],
  ["rtmin+3", 37],
  ["SIGRTMAX", 64],
  ["RTMAX-30", 34],
  ["9", 9],
])("%s is signal %i", (name, number) => {
  expect(signalNumber(name)).toBe(number);
});

test.each([
  "",
  "SIG",
  "SIGNOPE",
  "0",
  "32",
  "65",
  "-9",
  "RTMIN-1",
  "RTMAX+1",
  "RTMIN+31",
  "RTMAX-31",
  "RTMIN+",
  "TERM ",
])("%j is no signal", (name) => {
  expect(signalNumber(name)).toBeUndefined();
});

test("every signal has one name, which leads back to it", () => {
  for (let number = 1; number <= 64; number++) {
    if (number === 32 || number === 33) continue;
    expect(signalNumber(signalName(number))).toBe(number);
  }
  expect([signalName(6), signalName(17), signalName(29)]).toEqual(["SIGABRT", "SIGCHLD", "SIGIO"]);
});
