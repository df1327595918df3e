import { expect, test } from "vitest";
import { ErrorReason } from "../../../gen/ts/pm/v1/errors_pb.ts";
import { isIdPrefix, isLabelKey, isLabelValue, isName, isUuid } from "../../../src/common/contract-rules.ts";
import { isContractErrorReason, statusCodes } from "../../../src/common/error-reasons.ts";
import { escapeBytes, escapeText, isUtf8, textOfBytes } from "../../../src/common/escape.ts";
import { configDirectory, runtimeDirectory, socketPath, stateDirectory } from "../../../src/common/paths.ts";
import {
  formatBytes,
  formatDuration,
  formatTimeLimit,
  parseDuration,
  parseSize,
} from "../../../src/common/quantities.ts";
import { allSignals, signalName, signalNumber } from "../../../src/common/signals.ts";
import { editDistance, mostSimilar } from "../../../src/common/similar.ts";

test.each([
  ["4096", 4096],
  ["64KiB", 65_536],
  ["64k", 65_536],
  ["64 K", 65_536],
  ["1MB", 1_000_000],
  ["1mb", 1_000_000],
  ["1MiB", 1_048_576],
  ["1.5g", 1_610_612_736],
  ["0", 0],
  ["2tb", 2e12],
])("the size %s is %d bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(["", "MB", "-1", "1e3", "1 MB ", "1 x", "0x10", "9007199254740993", "constructor", "1constructor"])(
  '"%s" is no size',
  (text) => {
    expect(parseSize(text)).toBeUndefined();
  },
);

test.each([
  ["90", 90_000],
  ["2.5", 2500],
  ["500ms", 500],
  ["10m", 600_000],
  ["1h30m", 5_400_000],
  ["1d2h3m4s5ms", 93_784_005],
  ["0", 0],
])("the duration %s is %d ms", (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each(["", "s", "-1", "1m1h", "1m 30s", "1w", "1h1h", "1e3", "99999999999999999999"])(
  '"%s" is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test("quantities for people", () => {
  expect([0, 59_999, 192_000, 18_120_000, 1_051_200_000].map(formatDuration)).toEqual([
    "0s",
    "59s",
    "3m12s",
    "5h02m",
    "12d04h",
  ]);
  expect([250, 1000, 1500, 90_000].map(formatTimeLimit)).toEqual(["250 ms", "1 s", "1.5 s", "90 s"]);
  expect([512, 1_048_576].map(formatBytes)).toEqual(["512 B", "1.0 MiB"]);
});

test("the reasons are those of the contract", () => {
  const ofContract = Object.keys(ErrorReason)
    .filter((name) => Number.isNaN(Number(name)) && name !== "UNSPECIFIED")
    .sort();
  expect(Object.keys(statusCodes).sort()).toEqual(ofContract);
  expect(isContractErrorReason("NAME_IN_USE")).toBe(true);
  expect(isContractErrorReason("toString")).toBe(false);
});

test("a UUID, a name and a prefix are told apart", () => {
  const uuid = "abcdef01-2345-6789-abcd-ef0123456789";
  expect([uuid, uuid.toUpperCase()].map(isUuid)).toEqual([true, true]);
  expect(isName(uuid)).toBe(false);
  expect(["api", "_x", "a.b-c", "abcd", `a${"b".repeat(62)}`].every(isName)).toBe(true);
  expect(["", "1a", "a b", "é", `a${"b".repeat(63)}`].some(isName)).toBe(false);
  expect(["abcd", "ABCD", uuid.slice(0, 9), uuid.slice(0, 35)].every(isIdPrefix)).toBe(true);
  expect(["abc", "abcg", "abcdef012", uuid, ""].some(isIdPrefix)).toBe(false);
});

test("labels", () => {
  expect(["a", "app.kubernetes.io/name", "0"].every(isLabelKey)).toBe(true);
  expect(["", "-a", "a-", "a b", "a".repeat(64)].some(isLabelKey)).toBe(false);
  expect(["", "v1.2", "a"].every(isLabelValue)).toBe(true);
  expect(["a/b", "-a", "a".repeat(64)].some(isLabelValue)).toBe(false);
});

test("similar words", () => {
  expect(editDistance("restart", "resatrt")).toBe(1);
  expect(mostSimilar("strat", ["stop", "start", "status"])).toBe("start");
  expect(mostSimilar("API", ["api-1", "web"])).toBe("api-1");
  expect(mostSimilar("zzzz", ["stop", "start"])).toBeUndefined();
});

test("bytes are shown, and different bytes look different", () => {
  const latin1 = Buffer.from("caf\xe9", "latin1");
  expect(isUtf8(latin1)).toBe(false);
  expect(escapeBytes(latin1)).toBe("caf\\xe9");
  expect(escapeBytes(Buffer.from("caf\\xe9\xff", "latin1"))).toBe("caf\\\\xe9\\xff");
  expect(escapeBytes(Buffer.concat([Buffer.from("é😀"), Buffer.from([0xf0, 0x9f])]))).toBe("é😀\\xf0\\x9f");
  expect(escapeBytes(Buffer.from("a\\b é"))).toBe("a\\b é");
  expect(textOfBytes(Buffer.from("\ufeffx"))).toBe("\ufeffx");
  // An encoded half of a surrogate pair and an overlong form are no UTF-8 (RFC 3629).
  expect(isUtf8(Buffer.from([0xed, 0xa0, 0x80]))).toBe(false);
  expect(isUtf8(Buffer.from([0xc0, 0xaf]))).toBe(false);
  expect(escapeText("a\x1b[31m\n\u202e")).toBe("a\\x1b[31m\\n\\u202e");
});

test("signals by name and number", () => {
  expect(["SIGTERM", "hup", "9", "SIGRTMIN+3", "RTMAX-1", "64"].map(signalNumber)).toEqual([15, 1, 9, 37, 63, 64]);
  expect(["", "0", "32", "65", "SIGNOPE", "RTMIN-1", "1.5"].map(signalNumber)).toEqual(Array(7).fill(undefined));
  expect([15, 34, 37, 64].map(signalName)).toEqual(["SIGTERM", "SIGRTMIN", "SIGRTMIN+3", "SIGRTMAX"]);
  expect(allSignals().get(1)).toBe("SIGHUP");
  expect([...allSignals().keys()]).toHaveLength(62);
});

test("paths follow the environment", () => {
  expect(runtimeDirectory({ PM_RUNTIME_DIR: "/a", XDG_RUNTIME_DIR: "/b" }, 1)).toBe("/a");
  expect(runtimeDirectory({ PM_RUNTIME_DIR: "", XDG_RUNTIME_DIR: "/b" }, 1)).toBe("/b/pm");
  expect(runtimeDirectory({}, 0)).toBe("/run/pm");
  // The daemon that systemd started at boot has no such variable, root's shells have.
  expect(runtimeDirectory({ XDG_RUNTIME_DIR: "/run/user/0" }, 0)).toBe("/run/pm");
  expect(runtimeDirectory({}, 7)).toBe("/dev/shm/pm-7");
  expect(socketPath("/a")).toBe("/a/pm.sock");
  expect(configDirectory({ XDG_CONFIG_HOME: "/c" })).toBe("/c/pm");
  expect(configDirectory({ XDG_CONFIG_HOME: "relative", HOME: "/h" })).toBe("/h/.config/pm");
  expect(stateDirectory({ PM_STATE_DIR: "/s" }, 1)).toBe("/s");
  expect(stateDirectory({ PM_RUNTIME_DIR: "/r", XDG_STATE_HOME: "/x" }, 0)).toBe("/r/state");
  expect(stateDirectory({ PM_RUNTIME_DIR: "/r", PM_STATE_DIR: "/s" }, 0)).toBe("/s");
  expect(stateDirectory({}, 0, "/flag")).toBe("/flag/state");
  expect(stateDirectory({ XDG_STATE_HOME: "/x" }, 0)).toBe("/x/pm");
  expect(stateDirectory({ XDG_STATE_HOME: "relative", HOME: "/h" }, 7)).toBe("/h/.local/state/pm");
  expect(stateDirectory({}, 0)).toBe("/var/lib/pm");
  expect(stateDirectory({ HOME: "/h" }, 7)).toBe("/h/.local/state/pm");
});
