import { describe, expect, test } from "vitest";
import { filterError, NO_MATCH, processMatcher } from "../../../../../src/tui/state/table/process-filter.ts";
import { processInfo } from "../../../../support/process-info.ts";

describe("the filter", () => {
  const api = processInfo("1111cafe-aaaa", {
    name: "api-server",
    labels: { app: "web", tier: "" },
    args: ["--port=80", "MODE=Fast", Buffer.from("caf\xe9", "latin1")],
    suspended: true,
  });
  const job = processInfo("33334444-bbbb", { state: "exited", args: ["Job"], code: 28 });

  test.each([
    ["", true, true],
    ["api", true, false],
    ["asv", true, false],
    ["port", true, false],
    ["~caf\\\\xe9", true, false],
    ["JOB", false, true],
    ["!api", false, true],
    ["!", true, true],
    ["~^api-", true, false],
    ["!~^api", false, true],
    ["~^sleep", true, true],
    ["state:run", true, false],
    ["state:suspended", true, false],
    ["state:ex", false, true],
    ["!state:run", false, true],
    ["app=web", true, false],
    ["app!=web", false, true],
    ["label:tier", true, false],
    ["label:app=web", true, false],
    ["sleep state:run", true, false],
    ["sleep !api", false, true],
  ])("%s", (filter, fitsApi, fitsJob) => {
    const predicate = predicateOf(filter);
    expect([predicate(api), predicate(job)]).toEqual([fitsApi, fitsJob]);
  });

  test.each([
    ["1111", true],
    ["1111CAFE-A", true],
    // Three characters are no prefix of an id for the commands, either.
    ["111", false],
    ["cafe", false],
    // A regular expression that fits an id by chance would be about a wrong process.
    ["~1111", false],
    ["~cafe", false],
  ])("an id and %s", (filter, fits) => {
    expect(predicateOf(filter)(api)).toBe(fits);
  });

  test.each([
    ["mode=fast", true],
    ["--port=80", true],
    ["mode=slow", false],
    ["!mode=fast", false],
    ["label:MODE=Fast", false],
    ["mode!=fast", true],
  ])("a command line and %s", (filter, fits) => {
    expect(predicateOf(filter)(api)).toBe(fits);
  });

  test.each(["~[", "!~[", "api ~[", "!~( api", "~*"])("%s is not a regular expression and fits nothing", (filter) => {
    expect([api, job].some((process) => predicateOf(filter)(process))).toBe(false);
    expect(filterError(filter)).toMatch(/^not a regular expression: [[(*]$/);
  });

  test.each(["", "!", "~", "~a+", "!~a|b", "[", "exit:bad"])("nothing is wrong with %j", (filter) => {
    expect(filterError(filter)).toBeNull();
  });

  const ends = {
    runs: processInfo("a"),
    well: processInfo("b", { state: "exited", code: 0 }),
    28: processInfo("c", { state: "exited", code: 28 }),
    killed: processInfo("d", { state: "exited", signal: "SIGKILL" }),
  };

  test.each([
    ["exit:0", ["well"]],
    ["exit:28", ["28"]],
    ["exit:2", []],
    ["exit:KILL", ["killed"]],
    ["exit:sigkill", ["killed"]],
    ["exit:TERM", []],
    ["exit:bad", ["28", "killed"]],
    ["exit:BAD", ["28", "killed"]],
    ["exit:", ["28", "killed", "well"]],
    ["!exit:bad", ["runs", "well"]],
  ])("%s", (filter, expected) => {
    const predicate = predicateOf(filter);
    const fitting = Object.entries(ends).filter(([, process]) => predicate?.(process));
    expect(fitting.map(([name]) => name).sort()).toEqual(expected);
  });
});

describe("the rank of a match", () => {
  const ranked = (filter: string, ...names: string[]): string[] =>
    names
      .map((name) => ({ name, rank: processMatcher(filter)?.(processInfo(name, { name })) ?? 0 }))
      .filter(({ rank }) => rank !== NO_MATCH)
      .sort((a, b) => a.rank - b.rank)
      .map(({ name }) => name);

  test("the name itself, then what begins with it, a word of it, a part of it, its letters in order, the command", () => {
    expect(ranked("api", "a-p-i", "rapid", "my-api", "api-2", "sleep", "API")).toEqual([
      "API",
      "api-2",
      "my-api",
      "rapid",
      "a-p-i",
    ]);
    expect(ranked("sleep", "worker", "sleepy")).toEqual(["sleepy", "worker"]);
  });

  test("each word counts; what only narrows down does not", () => {
    expect(ranked("svx 1", "svx-10", "svx-x1")).toEqual(["svx-10", "svx-x1"]);
    expect(ranked("state:run !job", "b", "a")).toEqual(["b", "a"]);
  });
});

function predicateOf(
  filter: string,
): (process: Parameters<NonNullable<ReturnType<typeof processMatcher>>>[0]) => boolean {
  const matcher = processMatcher(filter);
  return (process) => matcher === null || matcher(process) !== NO_MATCH;
}
