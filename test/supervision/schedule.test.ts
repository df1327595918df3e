import { describe, expect, it } from "vitest";
import { cronProblem, nextCron } from "../../src/server/supervision/schedule/cron.ts";
import {
  afterStepBack,
  type CatchUpPolicy,
  due,
  maxCaughtUp,
  nextTime,
  onOverlap,
  type ScheduleRecord,
  type Timing,
} from "../../src/server/supervision/schedule/schedule.ts";

const at = (time: string) => Date.parse(time);
const minute = 60_000;
const hour = 60 * minute;

/** The next times of an expression in Berlin, where summer time began on 29 March and ended on 25 October 2026. */
function times(expression: string, from: string, count: number): string[] {
  const found: string[] = [];
  let time: number | null = at(from);
  for (let i = 0; i < count && time !== null; i++) {
    time = nextCron(expression, "Europe/Berlin", time);
    found.push(time === null ? "never" : new Date(time).toISOString().slice(5, 16));
  }
  return found;
}

describe("a cron expression", () => {
  it.each([
    ["in winter and in summer", "0 3 * * *", "2026-03-28T00:00Z", ["03-28T02:00", "03-29T01:00", "03-30T01:00"]],
    ["in the gap: right after it, once", "30 2 * * *", "2026-03-28T02:00Z", ["03-29T01:00", "03-30T00:30"]],
    ["in the overlap: once", "30 2 * * *", "2026-10-24T12:00Z", ["10-25T00:30", "10-26T01:30"]],
    ["for every hour: in both", "30 * * * *", "2026-10-25T00:00Z", ["10-25T00:30", "10-25T01:30", "10-25T02:30"]],
    ["for every hour in the gap", "30 * * * *", "2026-03-29T00:00Z", ["03-29T00:30", "03-29T01:30"]],
    [
      "every half hour over the overlap",
      "*/30 * * * *",
      "2026-10-25T00:15Z",
      ["10-25T00:30", "10-25T01:00", "10-25T01:30"],
    ],
    ["either day suffices", "0 12 13 * 5", "2026-02-28T00:00Z", ["03-06T11:00", "03-13T11:00", "03-20T11:00"]],
    ["on a leap day", "0 12 29 2 *", "2026-03-01T00:00Z", ["02-29T11:00"]],
    ["with seconds", "30 0 12 * * *", "2026-03-01T00:00Z", ["03-01T11:00"]],
    ["by its name", "@weekly", "2026-03-01T12:00Z", ["03-07T23:00"]],
  ])("%s", (_, expression, from, expected) => {
    expect(times(expression, from, expected.length)).toEqual(expected);
  });

  const now = at("2026-11-26T12:00Z");
  it.each([
    ["0 0 31 2 *", "", /never due/],
    ["0 0 30 2 *", "Europe/Berlin", /never due/],
    ["0 0 31 4,6,9,11 *", "", /never due/],
    ["61 * * * *", "", /minute/],
    ["* * * *", "", /five fields/],
    ["0 0 * * * * 2030", "", /five fields/],
    ["2026-12-24T18:00:00", "", /five fields/],
    ["@fortnightly", "", /five fields/],
    ["", "", /five fields/],
    ["every day at noon please", "", /./],
    ["0 0 * * *", "Mars/Olympus", /no time zone/],
    ["* ".repeat(200), "", /longer/],
  ])('"%s" in "%s" is refused', (expression, zone, problem) => {
    expect(cronProblem(expression, zone, now)).toMatch(problem);
  });

  it.each(["0 0 29 2 *", "*/5 9-17 * * MON-FRI", "@hourly", "0 0 L * *", " 0  3 * * * "])(
    '"%s" is taken',
    (expression) => {
      expect(cronProblem(expression, "America/New_York", now)).toBeUndefined();
    },
  );
});

const made = at("2026-11-26T00:00Z");
const schedule = (timing: Timing, change: Partial<ScheduleRecord> = {}): ScheduleRecord => ({
  name: "nightly",
  processId: "0e3d4c5b-1111-4222-8333-944455566677",
  timing,
  overlap: "skip",
  catchUp: "skip",
  paused: false,
  createTime: made,
  lastTime: null,
  lastResult: null,
  owed: 0,
  bootId: "",
  version: 1,
  ...change,
});
const hourly: Timing = { kind: "cron", expression: "0 * * * *", timeZone: "UTC" };

describe("a schedule", () => {
  it("of an interval stays in step with its making", () => {
    const every = schedule({ kind: "every", ms: 7 * minute });
    expect(nextTime(every, made)).toBe(made + 7 * minute);
    expect(nextTime(every, made + 7 * minute - 1)).toBe(made + 7 * minute);
    expect(nextTime(every, made + 7 * minute)).toBe(made + 14 * minute);
    // A clock that was set back to before its making.
    expect(nextTime(every, made - hour)).toBe(made - 56 * minute);
  });

  it("is due once, when its time has come", () => {
    const present = made;
    expect(due(schedule(hourly), present, made + hour - 1)).toBeNull();
    expect(due(schedule(hourly), present, made + hour)).toEqual({ runs: 1, time: made + hour, missed: 0 });
    const after = schedule(hourly, { lastTime: made + hour });
    expect(due(after, present, made + hour + 1)).toBeNull();
  });

  it.each([
    ["skip", 0, 3],
    ["once", 1, 2],
    ["all", 3, 0],
  ] as const)("makes up for three times without a daemon by its policy %s", (catchUp: CatchUpPolicy, runs, missed) => {
    const now = made + 3 * hour + 30 * minute;
    expect(due(schedule(hourly, { catchUp }), now, now)).toEqual({ runs, missed, time: made + 3 * hour });
  });

  it("is late, not missed, by less than a minute without a daemon", () => {
    const now = made + hour + 59_999;
    expect(due(schedule(hourly), now, now)).toEqual({ runs: 1, time: made + hour, missed: 0 });
    expect(due(schedule(hourly), now + 1, now + 1)).toEqual({ runs: 0, time: made + hour, missed: 1 });
  });

  it("runs once for what a clock set forward an hour passes over", () => {
    const quarters: Timing = { kind: "cron", expression: "*/15 * * * *", timeZone: "UTC" };
    const before = schedule(quarters, { lastTime: made + hour });
    expect(due(before, made, made + 2 * hour + minute)).toEqual({ runs: 1, time: made + 2 * hour, missed: 0 });
  });

  it("does not run again when the clock is set back an hour, but goes on after days", () => {
    const ran = schedule(hourly, { lastTime: made + 5 * hour });
    expect(due(ran, made, made + 4 * hour + minute)).toBeNull();
    expect(due(ran, made, made + 5 * hour + minute)).toBeNull();
    expect(due(ran, made, made + 6 * hour)).toEqual({ runs: 1, time: made + 6 * hour, missed: 0 });
    expect(afterStepBack(ran, made + 2 * hour)).toBe(ran);
    const wrong = schedule(hourly, { createTime: made - hour, lastTime: made + 500 * hour });
    const right = afterStepBack(wrong, made + minute);
    expect(due(right, made, made + minute)).toBeNull();
    expect(due(right, made, made + hour)).toEqual({ runs: 1, time: made + hour, missed: 0 });
  });

  it("of an interval goes on when the clock is set back by more than that", () => {
    const ticks = schedule({ kind: "every", ms: minute }, { lastTime: made + hour });
    expect(afterStepBack(ticks, made + hour - minute)).toBe(ticks);
    const right = afterStepBack(ticks, made + 30_000);
    expect(due(right, made, made + minute)).toEqual({ runs: 1, time: made + minute, missed: 0 });
    const before = schedule({ kind: "every", ms: minute });
    expect(due(afterStepBack(before, made - hour - 1), made, made - hour)).toMatchObject({
      runs: 1,
      time: made - hour,
    });
  });

  it("of one moment is made up for however late, and once", () => {
    const once = schedule({ kind: "at", time: made + hour });
    expect(due(once, made, made + hour - 1)).toBeNull();
    expect(due(once, made + 900 * hour, made + 900 * hour)).toEqual({ runs: 1, time: made + hour, missed: 0 });
    expect(due({ ...once, lastTime: made + hour }, made, made + 900 * hour)).toBeNull();
  });

  it("of each second does not walk through ten years of them", () => {
    const seconds = schedule({ kind: "every", ms: 1000 }, { catchUp: "all" });
    const now = made + 10 * 365 * 24 * hour + 1;
    const found = due(seconds, now, now);
    expect(found?.time).toBe(now - 1);
    expect(found?.runs).toBe(maxCaughtUp);
  });

  it.each([
    ["skip", false, "start"],
    ["queue", false, "start"],
    ["replace", false, "start"],
    ["skip", true, "skip"],
    ["queue", true, "queue"],
    ["replace", true, "replace"],
  ] as const)("with the overlap policy %s, busy %s: %s", (overlap, busy, expected) => {
    expect(onOverlap(overlap, busy)).toBe(expected);
  });
});
