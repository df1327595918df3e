import { describe, expect, test } from "vitest";
import type { CatchUpPolicy, Timing } from "../../../src/server/supervision/schedule/schedule.ts";
import { somebody } from "../../engine/harness.ts";
import { specOf } from "../processes.ts";
import { RealMachine } from "./machine.ts";

const hour = 3_600_000;
const cause = { kind: "request", principal: "local", requestId: "", detail: "" } as const;
const hourly: Timing = { kind: "cron", expression: "0 * * * *", timeZone: "UTC" };

/** The wall clock says so now, and goes on from there. */
function set(machine: RealMachine, time: number | string): void {
  machine.aheadMs = new Date(time).getTime() - Date.now();
}

async function schedule(
  machine: RealMachine,
  name: string,
  timing: Timing,
  catchUp: CatchUpPolicy = "skip",
): Promise<void> {
  const request = { id: "", name, labels: {}, spec: specOf("true") };
  const { id } = await machine.supervision.schedules.create(request, somebody);
  await machine.supervision.schedules.set(
    { name, processId: id, timing, overlap: "queue", catchUp, paused: false },
    cause,
  );
}

/** Looks at the clock each second, whatever else is due. */
async function tick(machine: RealMachine): Promise<void> {
  await schedule(machine, "tick", { kind: "every", ms: 1_000 });
}

/** Several looks at the clock have been taken since. */
async function looked(machine: RealMachine): Promise<void> {
  const { number } = machine.get("tick").run;
  await machine.until("tick", ({ run, state }) => run.number >= number + 3 && state === "waiting");
}

function next(machine: RealMachine, name: string): string {
  return new Date(machine.supervision.schedules.get(name).nextTime ?? 0).toISOString();
}

test("an hour that the clock is set forward, or back, over a schedule is one run", async () => {
  const machine = await RealMachine.start();
  set(machine, "2026-11-26T12:30:00Z");
  await tick(machine);
  await schedule(machine, "hourly", hourly);
  await looked(machine);
  expect(machine.get("hourly").run.number).toBe(0);
  set(machine, machine.now() + hour);
  const ran = await machine.until("hourly", ({ run, state }) => run.number === 1 && state === "waiting");
  expect(ran.run.cause).toMatchObject({ kind: "schedule", detail: "hourly of 2026-11-26T13:00:00.000Z" });
  expect(next(machine, "hourly")).toBe("2026-11-26T14:00:00.000Z");
  set(machine, "2026-11-26T12:59:59Z");
  await looked(machine);
  await looked(machine);
  expect(machine.now()).toBeGreaterThan(Date.parse("2026-11-26T13:00:00Z"));
  expect(machine.get("hourly").run.number).toBe(1);
  set(machine, "2026-11-26T13:59:59.500Z");
  await machine.until("hourly", ({ run }) => run.number === 2);
});

describe("at half past two in Berlin", () => {
  const nightly: Timing = { kind: "cron", expression: "30 2 * * *", timeZone: "Europe/Berlin" };

  test("of the night without that time, it runs once", async () => {
    const machine = await RealMachine.start();
    // Two o'clock is three o'clock, and that is 01:00 UTC.
    set(machine, "2026-03-28T12:00:00Z");
    await tick(machine);
    await schedule(machine, "nightly", nightly);
    const due = next(machine, "nightly");
    // The first moment after it would have been.
    expect(due).toBe("2026-03-29T01:00:00.000Z");
    set(machine, "2026-03-29T00:59:59.500Z");
    const ran = await machine.until("nightly", ({ run, state }) => run.number === 1 && state === "waiting");
    expect(ran.run.cause.detail).toBe(`nightly of ${due}`);
    set(machine, "2026-03-29T01:29:59.500Z");
    await looked(machine);
    expect(machine.get("nightly").run.number).toBe(1);
    // Half past two is 00:30 UTC from then on.
    expect(next(machine, "nightly")).toBe("2026-03-30T00:30:00.000Z");
  });

  test("of the night that has it twice, it runs once", async () => {
    const machine = await RealMachine.start();
    set(machine, "2026-10-24T12:00:00Z");
    await tick(machine);
    await schedule(machine, "nightly", nightly);
    expect(next(machine, "nightly")).toBe("2026-10-25T00:30:00.000Z");
    set(machine, "2026-10-25T00:29:59.500Z");
    await machine.until("nightly", ({ run, state }) => run.number === 1 && state === "waiting");
    set(machine, "2026-10-25T01:29:59.500Z");
    await looked(machine);
    expect(machine.now()).toBeGreaterThan(Date.parse("2026-10-25T01:30:00Z"));
    expect(machine.get("nightly").run.number).toBe(1);
    expect(next(machine, "nightly")).toBe("2026-10-26T01:30:00.000Z");
  });
});

test.each<[CatchUpPolicy, number]>([
  ["skip", 0],
  ["once", 1],
  ["all", 3],
])("three times that were due while there was no daemon, caught up by %s, are %d runs", async (catchUp, runs) => {
  const machine = await RealMachine.start();
  set(machine, "2026-11-26T12:30:00Z");
  await tick(machine);
  await schedule(machine, "hourly", hourly, catchUp);
  await machine.stop();
  set(machine, "2026-11-26T15:30:00Z");
  await machine.start();
  await machine.until("hourly", ({ run, state }) => run.number === runs && state === "waiting");
  await looked(machine);
  expect(machine.get("hourly")).toMatchObject({ state: "waiting", run: { number: runs } });
  expect(next(machine, "hourly")).toBe("2026-11-26T16:00:00.000Z");
  expect(machine.supervision.schedules.get("hourly").lastResult).toBe(runs === 0 ? "missed" : "started");
  // The next daemon has nothing to make up for.
  await machine.start();
  await looked(machine);
  expect(machine.get("hourly").run.number).toBe(runs);
});
