import { describe, expect, it, vi } from "vitest";
import type { CatchUpPolicy, OverlapPolicy, Timing } from "../../src/server/supervision/schedule/schedule.ts";
import { pass, settle, useMachine } from "./daemon.ts";
import { context, supervisionOf } from "./fake-engine.ts";
import { nobody, runOf, specOf, unsupervised } from "./processes.ts";

const minute = 60_000;
const hour = 60 * minute;
const stopOptions = { signal: "", graceMs: null, force: true, wait: true };
const everyHour: Timing = { kind: "cron", expression: "0 * * * *", timeZone: "UTC" };

// The clock stands at noon.
describe("a schedule", () => {
  const on = useMachine();

  /** A process that waits for its schedule, as SetSchedule makes it from a template. */
  async function schedule(
    timing: Timing,
    change: { overlap?: OverlapPolicy; catchUp?: CatchUpPolicy; name?: string } = {},
  ): Promise<string> {
    const { engine, daemon } = on.machine;
    const name = change.name ?? "nightly";
    const { process } = await engine.api.create(
      { id: "", name, labels: {}, spec: specOf("backup") },
      { supervision: unsupervised, state: null, desiredState: "stopped", event: null, cause: nobody },
      context,
    );
    const request = {
      name,
      processId: process.id,
      timing,
      overlap: "skip" as const,
      catchUp: "skip" as const,
      paused: false,
    };
    await daemon.schedules.set({ ...request, ...change, name }, nobody);
    await settle();
    return process.id;
  }

  it("starts its process when it is due, and shows when that is next", async () => {
    const { engine, daemon } = on.machine;
    await schedule(everyHour);
    const one = Date.UTC(2026, 10, 26, 13);
    expect(engine.named("nightly")).toMatchObject({
      state: "waiting",
      supervision: { waiting: { reason: "schedule", until: one, for: ["nightly"] } },
    });
    await pass(hour - 1);
    expect(engine.named("nightly").run.number).toBe(0);
    await pass(1);
    expect(engine.named("nightly")).toMatchObject({
      state: "running",
      run: { number: 1, cause: { kind: "schedule", detail: "nightly of 2026-11-26T13:00:00.000Z" } },
    });
    expect(daemon.schedules.get("nightly")).toMatchObject({
      lastTime: one,
      lastResult: "started",
      nextTime: one + hour,
    });
    engine.exit("nightly", 0);
    await pass(0);
    expect(engine.named("nightly")).toMatchObject({
      state: "waiting",
      supervision: { waiting: { until: one + hour } },
    });
    await pass(hour);
    expect(engine.named("nightly").run.number).toBe(2);
  });

  it.each([
    ["skip", 1, "skipped"],
    ["queue", 2, "queued"],
    ["replace", 2, "started"],
  ] as const)("that is due during a run does what its overlap policy %s says", async (overlap, runs, result) => {
    const { engine, daemon } = on.machine;
    await schedule(everyHour, { overlap });
    await pass(hour);
    await pass(hour);
    expect(daemon.schedules.get("nightly").lastResult).toBe(result);
    if (overlap !== "replace") {
      expect(engine.named("nightly").run.number).toBe(1);
      engine.exit("nightly", 0);
      await pass(1);
    }
    expect(engine.named("nightly").run.number).toBe(runs);
    expect(engine.named("nightly").state).toBe(overlap === "skip" ? "waiting" : "running");
  });

  it.each([
    ["skip", 0],
    ["once", 1],
    ["all", 3],
  ] as const)("over three times without a daemon catches up by its policy %s", async (catchUp, runs) => {
    const { engine } = on.machine;
    await schedule(everyHour, { catchUp });
    await on.machine.stop();
    vi.setSystemTime(Date.now() + 3 * hour + 10 * minute);
    await on.machine.start();
    for (let run = 1; run <= runs; run++) {
      expect(engine.named("nightly")).toMatchObject({ state: "running", run: { number: run } });
      engine.exit("nightly", 0);
      await pass(1);
    }
    expect(engine.named("nightly")).toMatchObject({ state: "waiting", run: { number: runs } });
    await on.machine.start();
    expect(engine.named("nightly").run.number).toBe(runs);
    await pass(50 * minute);
    expect(engine.named("nightly").run.number).toBe(runs + 1);
  });

  it("runs once for a clock that is set forward an hour, and once if it is set back", async () => {
    const { engine } = on.machine;
    await schedule(everyHour);
    await pass(30 * minute);
    vi.setSystemTime(Date.now() + hour);
    // The clock is looked at every half minute.
    await pass(30_000);
    expect(engine.named("nightly").run.number).toBe(1);
    engine.exit("nightly", 0);
    vi.setSystemTime(Date.now() - hour);
    await pass(40 * minute);
    expect(engine.named("nightly").run.number).toBe(1);
    await pass(hour);
    expect(engine.named("nightly").run.number).toBe(2);
  });

  it("begins nothing twice when the daemon dies between the record and the disk", async () => {
    const { engine, daemon } = on.machine;
    await schedule(everyHour, { overlap: "queue" });
    await pass(hour);
    const record = daemon.schedules.get("nightly");
    await on.machine.stop();
    // What had been on disk before.
    const { Store } = await import("../../src/server/supervision/store/store.ts");
    const { nextTime: _, ...before } = { ...record, lastTime: null, lastResult: null };
    await new Store(on.machine.stateDirectory).schedules.set("nightly", before);
    await on.machine.start();
    engine.exit("nightly", 0);
    await pass(1);
    expect(engine.named("nightly")).toMatchObject({ state: "waiting", run: { number: 1 } });
  });

  it("at one moment begins once, however late, and is gone then", async () => {
    const { engine } = on.machine;
    await schedule({ kind: "at", time: Date.now() + 5 * minute });
    expect(supervisionOf(engine.named("nightly")).waiting?.until).toBe(Date.now() + 5 * minute);
    await on.machine.stop();
    await pass(3 * hour);
    await on.machine.start();
    expect(engine.named("nightly")).toMatchObject({ state: "running", run: { number: 1 } });
    expect(on.machine.daemon.schedules.list()).toEqual([]);
    engine.exit("nightly", 0);
    await on.machine.start();
    expect(engine.named("nightly")).toMatchObject({ state: "exited", desiredState: "stopped" });
  });

  it("at boot begins once in each boot", async () => {
    await schedule({ kind: "boot" });
    await on.machine.start();
    expect(on.machine.engine.named("nightly").run.number).toBe(0);
    await on.machine.reboot();
    expect(on.machine.engine.named("nightly").run.number).toBe(1);
    on.machine.engine.exit("nightly", 0);
    await on.machine.start();
    expect(on.machine.engine.named("nightly").run.number).toBe(1);
  });

  it("goes on after a reboot", async () => {
    await schedule(everyHour);
    await on.machine.reboot();
    expect(on.machine.engine.states()).toEqual({ nightly: "waiting schedule" });
    await pass(hour);
    expect(on.machine.engine.named("nightly")).toMatchObject({ state: "running", run: { number: 1 } });
  });

  it("does nothing while it is paused, nor for what passed meanwhile", async () => {
    const { engine, daemon } = on.machine;
    await schedule(everyHour, { catchUp: "all" });
    await daemon.schedules.pause("nightly", true);
    expect(supervisionOf(engine.named("nightly")).waiting?.until).toBeNull();
    await pass(3 * hour + minute);
    await daemon.schedules.pause("nightly", false);
    await pass(58 * minute);
    expect(engine.named("nightly").run.number).toBe(0);
    await pass(minute);
    expect(engine.named("nightly").run.number).toBe(1);
  });

  it("can be triggered between its times", async () => {
    const { engine, daemon } = on.machine;
    await schedule(everyHour);
    await daemon.schedules.trigger("nightly", nobody);
    await settle();
    expect(engine.named("nightly")).toMatchObject({ state: "running", run: { number: 1 } });
    await daemon.schedules.trigger("nightly", nobody);
    expect(daemon.schedules.get("nightly").lastResult).toBe("skipped");
  });

  it("of a process that is stopped starts it again at its next time", async () => {
    const { engine, daemon } = on.machine;
    await schedule(everyHour);
    await pass(hour);
    await daemon.engine.stop({ name: "nightly" }, stopOptions, context);
    expect(engine.named("nightly")).toMatchObject({ state: "exited", desiredState: "stopped" });
    await pass(hour);
    expect(engine.named("nightly").run.number).toBe(2);
  });

  it("that is removed stops what waits for it alone", async () => {
    const { engine, daemon } = on.machine;
    await schedule(everyHour);
    await daemon.schedules.remove("nightly", nobody);
    await settle();
    expect(engine.named("nightly")).toMatchObject({ state: "exited", desiredState: "stopped" });
    await pass(2 * hour);
    expect(engine.named("nightly").run).toEqual(runOf(0, "starting"));
    expect(() => daemon.schedules.get("nightli")).toThrow(expect.objectContaining({ reason: "SCHEDULE_NOT_FOUND" }));
  });

  it("set again the same changes nothing, and another one replaces it", async () => {
    const { daemon } = on.machine;
    const processId = await schedule({ kind: "every", ms: hour });
    await pass(10 * minute);
    const request = {
      name: "nightly",
      processId,
      timing: { kind: "every", ms: hour },
      overlap: "skip",
      catchUp: "skip",
      paused: false,
    } as const;
    const before = daemon.schedules.get("nightly");
    expect(await daemon.schedules.set(request, nobody)).toEqual(before);
    const after = await daemon.schedules.set({ ...request, timing: { kind: "every", ms: 2 * hour } }, nobody);
    expect(after).toMatchObject({ version: 2, nextTime: Date.now() + 2 * hour });
    const wrong = { ...request, timing: { kind: "cron", expression: "0 0 31 2 *", timeZone: "" } } as const;
    await expect(daemon.schedules.set(wrong, nobody)).rejects.toMatchObject({
      reason: "INVALID_ARGUMENT",
      metadata: { field: "schedule.cron" },
    });
  });
});
