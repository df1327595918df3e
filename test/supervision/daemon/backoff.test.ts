import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import type { ProcessInfo } from "../../../src/server/engine/api/process.ts";
import type { SupervisedEngine } from "../../../src/server/engine/api/supervision.ts";
import { isUnderWay } from "../../../src/server/supervision/restart/outcome.ts";
import { reasonOf, somebody } from "../../engine/harness.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { every, RealMachine, stopOptions } from "./machine.ts";

/** More by hand. */
const moments = Number(process.env["PM_BACKOFF_MOMENTS"] ?? 40);
const backoffMs = 10;
/** A thousand processes, one after the other, on a machine with much else to do. */
const crashLoopMs = 300_000;

/**
 * Calls `act` with a process that crashes as soon as it can, at moments spread
 * over its runs and the backoff between them, and `check` when others have
 * crashed several times since.
 */
async function atEveryMoment(
  act: (machine: RealMachine, name: string) => Promise<unknown>,
  check: (machine: RealMachine, name: string, answered: unknown) => void,
): Promise<void> {
  const machine = await RealMachine.start();
  await machine.sh("other", "exit 1", { restart: every(backoffMs) });
  const answers = new Map<string, unknown>();
  for (let moment = 0; moment < moments; moment++) {
    const name = `crash-${moment}`;
    await machine.sh(name, "exit 1", { restart: every(backoffMs) });
    await machine.until(name, ({ run }) => run.number >= 2);
    // No clock to hit a moment with: the sweep does it, some of it with what an event loop does in between.
    await sleep((moment * backoffMs) / 8);
    answers.set(name, await act(machine, name));
  }
  const { run } = machine.get("other");
  await machine.until("other", ({ run: now }) => now.number >= run.number + 10);
  for (const [name, answered] of answers) {
    check(machine, name, answered);
  }
}

describe("at every moment of a crash loop", () => {
  test("a stop is for good, and says so", async () => {
    await atEveryMoment(
      async (machine, name) => (await machine.engine.stop({ name }, stopOptions, somebody)).process,
      (machine, name, answered) => {
        expect(answered).toMatchObject({ state: expect.stringMatching(/^(exited|failed)$/), desiredState: "stopped" });
        const now = machine.get(name);
        expect(now).toMatchObject({ desiredState: "stopped", supervision: { waiting: null } });
        expect(now.run.number).toBe((answered as ProcessInfo).run.number);
        expect(isUnderWay(now)).toBe(false);
      },
    );
  });

  test("a removal is for good", async () => {
    await atEveryMoment(
      (machine, name) => machine.engine.remove({ name }, true, somebody),
      (machine, name) => {
        expect(() => machine.get(name)).toThrow(expect.objectContaining({ reason: "PROCESS_NOT_FOUND" }));
      },
    );
  });

  test("a restart begins one run at once, and the loop goes on", async () => {
    await atEveryMoment(
      async (machine, name) => {
        const before = machine.get(name).run.number;
        const { run } = await machine.engine.restart({ name }, stopOptions, null, somebody);
        expect(run.number).toBeGreaterThan(before);
        const later = await machine.until(name, ({ run: now }) => now.number > run.number);
        expect(later).toMatchObject({ desiredState: "running", run: { cause: { kind: "restartPolicy" } } });
        await machine.engine.remove({ name }, true, somebody);
      },
      () => undefined,
    );
  });
});

test("a restart may be asked for as long as nothing has changed, and changes nothing if it is refused", async () => {
  const machine = await RealMachine.start();
  await machine.sh("crash", "exit 1", { restart: every(3_600_000) });
  const { id } = await machine.until("crash", ({ state }) => state === "waiting");
  await machine.engine.wait({ id }, "outputComplete", 1, AbortSignal.timeout(60_000));
  const restart = (resourceVersion: string) => {
    const context = { ...somebody, precondition: { run: null, resourceVersion } };
    return machine.engine.restart({ id }, stopOptions, null, context);
  };
  const before = machine.get("crash");
  expect(before.supervision?.attempts.restarts).toBe(1);
  const [identity] = before.resourceVersion.split("-");
  expect(await reasonOf(restart(`${identity}-1`))).toBe("CONDITION_FAILED");
  expect(machine.get("crash")).toEqual(before);
  const restarted = await restart(before.resourceVersion);
  expect(restarted.run.number).toBe(2);
  const again = await machine.until("crash", ({ state, run }) => state === "waiting" && run.number === 2);
  expect(again.supervision?.attempts.restarts).toBe(1);
});

test("a restart that is answered when its run has ended takes nothing from what was decided since", async () => {
  const machine = await RealMachine.start();
  let told = Promise.resolve();
  machine.between = (engine) => {
    const slow: Partial<SupervisedEngine> = {
      async *watch(...given) {
        for await (const event of engine.watch(...given)) {
          await told;
          yield event;
        }
      },
      async restart(...given) {
        const { promise, resolve } = Promise.withResolvers<void>();
        told = promise;
        const answered = await engine.restart(...given);
        await engine.signal({ id: answered.id }, "SIGKILL", "main", somebody);
        await machine.until("crash", ({ state, run }) => state === "waiting" && run.number === answered.run.number);
        resolve();
        return answered;
      },
    };
    return new Proxy(engine, {
      get(target, name) {
        const value: unknown = Reflect.get(slow, name) ?? Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  await machine.start();
  // What it waits for is an hour away, and so is not over before the restart is answered.
  const marker = join(temporaryDirectory(), "crashed");
  const script = `test -e ${marker} && exec sleep 1000; touch ${marker}; exit 1`;
  await machine.sh("crash", script, { restart: every(3_600_000) });
  const first = await machine.until("crash", ({ state }) => state === "waiting");
  const restarted = await machine.engine.restart({ name: "crash" }, stopOptions, null, somebody);
  expect(restarted).toMatchObject({ state: "waiting", run: { number: 2 } });
  const { supervision } = machine.get("crash");
  expect(supervision).toMatchObject({ waiting: { reason: "restart", cause: { kind: "restartPolicy" } } });
  expect(supervision?.waiting?.until).toBeGreaterThanOrEqual(Number(first.supervision?.waiting?.until));
  expect(supervision?.attempts.restarts).toBe(1);
});

test(
  "a crash loop of 1,000 attempts leaves memory, descriptors, files and journal as they were",
  async () => {
    const bytes = 128 * 1024;
    const machine = await RealMachine.start({ journal: { bytes, entries: 500 } });
    const policy = every(0, { maxAttempts: 1_000 });
    await machine.sh("loop", "echo crash; exit 1", { restart: policy });
    await machine.until("loop", ({ run }) => run.number >= 100);
    const before = { heap: heapUsed(), descriptors: descriptors() };
    const given = await machine.until("loop", ({ state }) => state === "givenUp", crashLoopMs);
    expect(given).toMatchObject({ run: { number: 1_001 }, supervision: { attempts: { restarts: 1_000 } } });
    // A few are open now and then: what leaks would be hundreds.
    expect(descriptors() - before.descriptors).toBeLessThan(20);
    // Nine hundred runs that leave a kilobyte each would be seen, the odd cache would not.
    expect(heapUsed() - before.heap).toBeLessThan(8 * 1024 * 1024);
    const { journal, keptRuns } = machine.bare.info();
    expect(journal.bytes).toBeLessThanOrEqual(bytes);
    expect(journal.lastSequence).toBeGreaterThan(2_000);
    const runs = readdirSync(join(machine.runtimeDir, "p", given.id)).filter((name) => /^\d+$/.test(name));
    expect(runs.length).toBeLessThanOrEqual(keptRuns);
    expect(await reasonOf(machine.sh("loop", "true"))).toBe("NAME_IN_USE");
  },
  crashLoopMs * 2,
);

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  gc();
  return process.memoryUsage().heapUsed;
}
