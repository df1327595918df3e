import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { everything } from "../../../src/server/engine/api/list.ts";
import type { RestartMode } from "../../../src/server/engine/api/policy.ts";
import { openSupervision } from "../../../src/server/supervision/open.ts";
import { open, runtimeDirectory, somebody } from "../../engine/harness.ts";
import { recordingLog } from "../../listen/serve.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { policyOf, specOf } from "../processes.ts";
import { every, RealMachine, stopOptions } from "./machine.ts";

test("after a reboot runs what is meant to run, and what was stopped does not", async () => {
  const stateDirectory = temporaryDirectory();
  const { log } = recordingLog();
  const boot = async (bootId: string) => {
    const bench = await open({ runtimeDir: runtimeDirectory() });
    const supervision = await openSupervision({ engine: bench.engine, stateDirectory, bootId, log });
    const states = async () => {
      const page = await supervision.engine.list(everything, { size: 0, token: "", order: "created" });
      return Object.fromEntries(page.processes.map(({ name, state }) => [name, state]));
    };
    return { bench, supervision, states };
  };
  const first = await boot("one");
  for (const mode of ["no", "onFailure", "unlessStopped", "always"] as const satisfies readonly RestartMode[]) {
    for (const fate of ["runs", "stopped"] as const) {
      const restart = {
        mode,
        maxAttempts: null,
        windowMs: null,
        backoff: { initialMs: null, maxMs: null, multiplier: null, jitter: null },
        stableMs: null,
        memoryBytes: null,
      };
      const spec = specOf("sleep 1000", { policy: policyOf({ restart }) });
      const request = { id: randomUUID(), name: `${mode}-${fate}`, labels: {}, spec };
      const { process } = await first.supervision.engine.start(request, somebody);
      if (fate === "stopped") {
        await first.supervision.engine.stop({ id: process.id }, stopOptions, somebody);
      }
    }
  }
  await first.supervision.schedules.create(
    { id: randomUUID(), name: "scheduled", labels: {}, spec: specOf("true") },
    somebody,
  );
  await first.supervision.close();
  await first.bench.close();

  const second = await boot("two");
  await expect
    .poll(second.states, { timeout: 25_000 })
    .toMatchObject({ "unlessStopped-runs": "running", "always-runs": "running", "always-stopped": "running" });
  const states = await second.states();
  expect(states["unlessStopped-stopped"]).toBe("exited");
  expect(Object.keys(states).filter((name) => /^(no|onFailure)-/.test(name))).toEqual([]);
  await second.supervision.close();
  await second.bench.close();
});

test("a reboot starts what waited and what was given up, in order; a restart of the daemon starts nothing", async () => {
  const machine = await RealMachine.start();
  const flag = join(temporaryDirectory(), "flag");
  // Before the reboot they fail, and after it they do not.
  const script = `test -e ${flag} && exec sleep 1000; exit 1`;
  await machine.sh("waiting", script, { restart: every(3_600_000, { mode: "unlessStopped" }) });
  await machine.sh("given", script, { restart: every(0, { mode: "unlessStopped", maxAttempts: 1 }) });
  await machine.sh("stopped", "exec sleep 1000", { restart: every(0, { mode: "unlessStopped" }) });
  await machine.sh("always", "exec sleep 1000", { restart: every(0) });
  await machine.sh("failure", "exec sleep 1000", { restart: every(0, { mode: "onFailure" }) });
  await machine.sh("dependent", "exec sleep 1000", {
    restart: every(0),
    dependsOn: [{ process: "waiting", condition: "started" }],
  });
  const { process } = await machine.engine.start(
    { id: "", name: "scheduled", labels: {}, spec: specOf("true") },
    somebody,
  );
  await machine.supervision.schedules.set(
    {
      name: "hourly",
      processId: process.id,
      timing: { kind: "every", ms: 3_600_000 },
      overlap: "skip",
      catchUp: "skip",
      paused: false,
    },
    { kind: "request", principal: "local", requestId: "", detail: "" },
  );
  await machine.until("waiting", ({ state }) => state === "waiting");
  await machine.until("given", ({ state }) => state === "givenUp");
  for (const name of ["stopped", "always"]) {
    await machine.engine.stop({ name }, stopOptions, somebody);
  }
  writeFileSync(flag, "");

  await machine.reboot();
  for (const name of ["waiting", "given", "always", "dependent"]) {
    const back = await machine.until(name, ({ state }) => state === "running");
    expect(back.run).toMatchObject({ number: 1, cause: { kind: "boot" } });
  }
  const begun = (name: string) => machine.get(name).run.startTime ?? 0n;
  expect(begun("dependent")).toBeGreaterThan(begun("waiting"));
  expect(machine.get("stopped")).toMatchObject({ state: "exited", desiredState: "stopped", run: { number: 0 } });
  expect(machine.get("scheduled")).toMatchObject({ state: "waiting", supervision: { schedule: "hourly" } });
  expect(machine.names()).not.toContain("failure");

  await machine.engine.stop({ name: "always" }, stopOptions, somebody);
  await machine.start();
  // What depends on it is looked at after it.
  await machine.until("dependent", ({ state }) => state === "running");
  expect(machine.get("always")).toMatchObject({ state: "exited", desiredState: "stopped", run: { number: 1 } });
  await machine.reboot();
  await machine.until("always", ({ state }) => state === "running");
  expect(machine.get("stopped")).toMatchObject({ state: "exited", run: { number: 0 } });
});
